/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: tracepoints
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM multikernel

#if !defined(_MK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MK_TRACE_H

#include <linux/multikernel_abi.h>
#include <linux/tracepoint.h>

TRACE_EVENT(multikernel_state,

	TP_PROTO(u32 id, const char *name, const char *from, const char *to,
		 const char *reason),

	TP_ARGS(id, name, from, to, reason),

	TP_STRUCT__entry(
		__field(u32, id)
		__string(name, name)
		__string(from, from)
		__string(to, to)
		__string(reason, reason)
	),

	TP_fast_assign(
		__entry->id = id;
		__assign_str(name);
		__assign_str(from);
		__assign_str(to);
		__assign_str(reason);
	),

	TP_printk("id=%u name=%s from=%s to=%s reason=%s", __entry->id,
		  __get_str(name), __get_str(from), __get_str(to),
		  __get_str(reason))
);

TRACE_EVENT(multikernel_denied,

	TP_PROTO(const char *kind, u64 where, u64 what, const void *caller),

	TP_ARGS(kind, where, what, caller),

	TP_STRUCT__entry(
		__string(kind, kind)
		__field(u64, where)
		__field(u64, what)
		__field(const void *, caller)
	),

	TP_fast_assign(
		__assign_str(kind);
		__entry->where = where;
		__entry->what = what;
		__entry->caller = caller;
	),

	TP_printk("kind=%s where=%#llx what=%#llx caller=%pS", __get_str(kind),
		  __entry->where, __entry->what, __entry->caller)
);

TRACE_EVENT(multikernel_fault,

	TP_PROTO(u32 id, const char *name, const char *kind, int cpu,
		 const char *reason),

	TP_ARGS(id, name, kind, cpu, reason),

	TP_STRUCT__entry(
		__field(u32, id)
		__string(name, name)
		__string(kind, kind)
		__field(int, cpu)
		__string(reason, reason)
	),

	TP_fast_assign(
		__entry->id = id;
		__assign_str(name);
		__assign_str(kind);
		__entry->cpu = cpu;
		__assign_str(reason);
	),

	TP_printk("id=%u name=%s kind=%s cpu=%d reason=%s", __entry->id,
		  __get_str(name), __get_str(kind), __entry->cpu,
		  __get_str(reason))
);

DECLARE_EVENT_CLASS(multikernel_record,

	TP_PROTO(u32 peer, const struct mk_record *rec),

	TP_ARGS(peer, rec),

	TP_STRUCT__entry(
		__field(u32, peer)
		__field(u16, service)
		__field(u16, flags)
		__field(u32, len)
		__field(u64, id)
	),

	TP_fast_assign(
		__entry->peer = peer;
		__entry->service = rec->service;
		__entry->flags = rec->flags;
		__entry->len = rec->len;
		__entry->id = rec->id;
	),

	TP_printk("peer=%u service=%u flags=%#x id=%llu len=%u", __entry->peer,
		  __entry->service, __entry->flags, __entry->id, __entry->len)
);

DEFINE_EVENT(multikernel_record, multikernel_send,
	TP_PROTO(u32 peer, const struct mk_record *rec), TP_ARGS(peer, rec));

DEFINE_EVENT(multikernel_record, multikernel_receive,
	TP_PROTO(u32 peer, const struct mk_record *rec), TP_ARGS(peer, rec));

#endif /* _MK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
