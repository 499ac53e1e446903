# SPDX-License-Identifier: GPL-2.0
# For drgn: is this the core of a spawn of the tests that panicked at the address and on the
# CPU given, the other one idle?  Run by dev/vmcore.sh.  Types of tasks only: see dev/cc.sh.
# Without debug information of the functions drgn's trace is the innermost one; the others
# are all that stand on the stack, as crash's "bt -t" has them.
import sys

from drgn import Object
from drgn.helpers.linux.list import list_for_each_entry

STACK = 16384  # aligned to its size, as those of interrupts
# Who is at the other end of the stack of a CPU that waits for work
IDLE = {"start_secondary", "rest_init", "start_kernel"}

where = prog.symbol(int(sys.argv[1], 16) - 1).name
crashed = int(sys.argv[2])
release = prog["UTS_RELEASE"].string_().decode()
names = [prog["init_task"].comm.string_().decode()]
for task in list_for_each_entry("struct task_struct", prog["init_task"].tasks.address_of_(), "tasks"):
    names.append(task.comm.string_().decode())


def at(name):
    return prog.symbol(name).address


def current(cpu):
    """The task that the CPU was at: pcpu_hot begins with it."""
    base = prog.read_u64(at("__per_cpu_offset") + 8 * cpu)
    hot = base + at("pcpu_hot") - at("__per_cpu_start")
    return Object(prog, "struct task_struct *", prog.read_u64(hot))


def functions(cpu):
    """Where the CPU was by its registers, and whose return addresses are on its stack."""
    frame = prog.stack_trace(current(cpu))[0]
    found = [frame.symbol().name]
    sp = frame.register("rsp")
    stacks = [range(sp, (sp | STACK - 1) + 1, 8)]
    # An interrupt has a stack of its own, and the task's is below
    task = current(cpu).stack.value_()
    if not task <= sp < task + STACK:
        stacks.append(range(task + 8, task + STACK, 8))
    for address in (a for stack in stacks for a in stack):
        word = prog.read_u64(address)
        if at("_stext") < word < at("_etext"):
            found.append(prog.symbol(word - 1).name)
    return found


panics, idles = functions(crashed), functions(1 - crashed)
other = current(1 - crashed).comm.string_().decode()
print(f"drgn: Linux {release}, panic called by {where}, {len(names)} tasks: {' '.join(names[:4])} ... {names[-1]}")
print(f"drgn: CPU {crashed} in {panics[0]}, by {' '.join(panics[1:])}")
print(f"drgn: CPU {1 - crashed}, {other}, in {idles[0]}, by {' '.join(idles[1:])}")
sys.exit(not (where == "sysrq_handle_crash" and names[:3] == ["swapper/0", "init", "kthreadd"]
              and "spawn.sh" in names
              and panics[0] == "mk_words_panic" and {"panic", where, "write_sysrq_trigger"} <= set(panics)
              and idles[0] != panics[0] and IDLE & set(idles)))
