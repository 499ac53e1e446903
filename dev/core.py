# SPDX-License-Identifier: GPL-2.0
# For drgn: is this the core of a spawn of the tests that panicked at the address given?
# Run by dev/vmcore.sh. Types of tasks only: see dev/cc.sh.
import sys

from drgn.helpers.linux.list import list_for_each_entry

where = prog.symbol(int(sys.argv[1], 16) - 1).name
release = prog["UTS_RELEASE"].string_().decode()
names = [prog["init_task"].comm.string_().decode()]
for task in list_for_each_entry("struct task_struct", prog["init_task"].tasks.address_of_(), "tasks"):
    names.append(task.comm.string_().decode())

print(f"drgn: Linux {release}, panic called by {where}, {len(names)} tasks: {' '.join(names[:4])} ... {names[-1]}")
sys.exit(not (where == "sysrq_handle_crash" and names[:3] == ["swapper/0", "init", "kthreadd"]
              and "spawn.sh" in names))
