# caraway_gdb.py - shows gdb the coroutines of a program that runs, or of its core file.
#
#     (gdb) source scripts/gdb/caraway_gdb.py
#     (gdb) info coroutines          (or: caraway list) number, name, state, what each waits for
#     (gdb) coroutine 5 bt           the backtrace of one
#     (gdb) coroutine all bt         the backtraces of all
#     (gdb) coroutine 5              look around in it: bt, up, info locals ...
#     (gdb) coroutine off            and back to the thread
#     (gdb) caraway core FILE        generate-core-file, with the stacks of coroutines in it
#
# A coroutine that does not run has its stack pointer, frame pointer and the place to go on in its
# control block. Nothing is written to the program: while a coroutine is selected, an unwinder pretends
# that it called the innermost frame of the thread, so frame 0 is still the thread's and the
# coroutine's own frames start at 1. That is why it works on core files too.
#
# If several threads have coroutines, 2.5 means coroutine 5 of the second scheduler listed. Needs the
# library's debugging symbols.

import struct

import gdb
import gdb.unwinder

REGISTERS = {
    "i386:x86-64": ("rsp", "rbp", "rip"),
    "aarch64": ("sp", "x29", "pc"),
}


def schedulers():
    """All schedulers of the process, the newest first."""
    try:
        at = gdb.parse_and_eval("'caraway::runtime::scheduler::first_'")
    except gdb.error:
        raise gdb.GdbError("no symbols of caraway here")
    while int(at) != 0:
        yield at.dereference()
        at = at["next_scheduler_"]


def seconds(value):
    """A std::chrono time point or duration on a nanosecond clock, in seconds."""
    if "__d" in [field.name for field in value.type.strip_typedefs().fields()]:
        value = value["__d"]
    return int(value["__r"]) / 1e9


class Coroutine:
    """One control block."""

    def __init__(self, scheduler, block):
        self.scheduler = scheduler
        self.block = block
        self.id = int(block["id"])
        self.name = block["name"].string() or "-"
        self.state = str(block["state"]).split("::")[-1]

    def running(self):
        return int(self.scheduler["running_"]) == int(self.block.address)

    def started(self):
        return self.registers()[2] != int(gdb.parse_and_eval("(unsigned long)&caraway_context_start"))

    def registers(self):
        saved = self.block["registers"]
        return int(saved["sp"]), int(saved["fp"]), int(saved["pc"])

    def waits_for(self):
        if int(self.block["waiting"]) == 0:
            return ""
        operation = self.block["waiting"].dereference()
        now = seconds(self.scheduler["turn_"])
        text = "in %s for %.3f s" % (
            operation["what_"].string(),
            now - seconds(operation["since_"]),
        )
        until = seconds(operation["until_"]["at_"])
        if until < 2**63 / 1e9:
            text += ", deadline in %.3f s" % max(0.0, until - now)
        return text

    def describe(self):
        cancelled = " (cancelled)" if bool(self.block["cancelled"]) else ""
        line = "%-4d %-16s %s%s %s" % (self.id, self.name, self.state, cancelled, self.waits_for())
        return line.rstrip()


def coroutines(scheduler):
    """The coroutines of one thread, its own stack first."""
    yield Coroutine(scheduler, scheduler["main_"])
    block_type = scheduler["main_"].type.pointer()
    end = scheduler["all_"]["ring_"].address
    node = scheduler["all_"]["ring_"]["next_"]
    while node != end:
        yield Coroutine(scheduler, node.cast(block_type).dereference())
        node = node["next_"]


def find(text):
    """The coroutine that N or S.N names."""
    which, _, number = text.rpartition(".")
    for position, scheduler in enumerate(schedulers(), 1):
        if which and int(which) != position:
            continue
        for coroutine in coroutines(scheduler):
            if coroutine.id == int(number):
                return coroutine
    raise gdb.GdbError("no coroutine %s" % text)


class FrameId:
    """What gdb tells frames apart by."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class CoroutineUnwinder(gdb.unwinder.Unwinder):
    """Makes the selected coroutine the caller of the thread's innermost frame."""

    def __init__(self):
        super().__init__("caraway")
        self.selected = None

    def select(self, coroutine):
        self.selected = None if coroutine is None else coroutine.registers()
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.selected is None or pending.level() != 0:
            return None
        names = REGISTERS.get(pending.architecture().name())
        if names is None:
            return None
        pointer = gdb.lookup_type("unsigned long")
        sp, _, _ = self.selected
        pc = pending.read_register(names[2])
        # Below the coroutine's frames, as an inner frame should be.
        info = pending.create_unwind_info(FrameId(gdb.Value(sp - 256).cast(pointer), pc))
        for name, value in zip(names, self.selected):
            info.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return info


unwinder = CoroutineUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, True)


def backtrace(coroutine):
    """The frames of `coroutine` as text."""
    if coroutine.running():
        return "runs: see the backtrace of its thread\n"
    if not coroutine.started():
        return "has not started yet\n"
    unwinder.select(coroutine)
    try:
        lines = gdb.execute("backtrace", to_string=True).splitlines(True)
    finally:
        unwinder.select(None)
    return "".join(line for line in lines if not line.startswith("#0 "))


class InfoCoroutines(gdb.Command):
    """Lists the coroutines of all threads: number, name, state, what each waits for."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for position, scheduler in enumerate(schedulers(), 1):
            running = scheduler["running_"].dereference()["name"].string()
            print("scheduler %d, running: %s" % (position, running or "-"))
            for coroutine in coroutines(scheduler):
                print("  " + coroutine.describe())


class SelectCoroutine(gdb.Command):
    """coroutine N: looks into coroutine N; its frames start at 1.
coroutine N bt, coroutine all bt: shows backtraces.
coroutine off: back to the thread."""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if words == ["off"]:
            unwinder.select(None)
        elif words == ["all", "bt"]:
            self.show_all()
        elif len(words) == 2 and words[1] == "bt":
            print(backtrace(find(words[0])), end="")
        elif len(words) == 1:
            self.look_into(find(words[0]))
        else:
            raise gdb.GdbError(self.__doc__)

    def show_all(self):
        for scheduler in schedulers():
            for coroutine in coroutines(scheduler):
                print(coroutine.describe())
                print(backtrace(coroutine))

    def look_into(self, coroutine):
        if coroutine.running():
            raise gdb.GdbError("coroutine %d runs: look at its thread" % coroutine.id)
        if not coroutine.started():
            raise gdb.GdbError("coroutine %d has not started yet" % coroutine.id)
        unwinder.select(coroutine)
        gdb.execute("frame 1")


def saved_stacks():
    """What is in use of each coroutine's stack: pairs of address and contents."""
    for scheduler in schedulers():
        blocks = [c.block for c in coroutines(scheduler)] + [scheduler["idle_"]]
        for block in blocks:
            limit, top = int(block["memory"]["limit"]), int(block["memory"]["top"])
            sp = int(block["registers"]["sp"])
            start = sp - 128 if limit + 128 <= sp < top else limit
            if start < top:
                yield start, gdb.selected_inferior().read_memory(start, top - start)


def fill_in(path, pieces):
    """Puts memory into a core file (ELF, 64 bits) that has room for it but not the contents."""
    with open(path, "r+b") as core:
        header = core.read(64)
        order = "<" if header[5] == 1 else ">"
        (table,) = struct.unpack_from(order + "Q", header, 32)
        size, count = struct.unpack_from(order + "HH", header, 54)
        core.seek(table)
        headers = core.read(size * count)
        segments = []
        for i in range(count):
            kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", headers, i * size)
            if kind == 1:
                segments.append((address, address + length, offset))
        for start, contents in pieces:
            for first, last, offset in segments:
                if first <= start and start + len(contents) <= last:
                    core.seek(offset + start - first)
                    core.write(contents)


class GenerateCore(gdb.Command):
    """caraway core FILE: generate-core-file, with the stacks of coroutines in it.

gdb's own command stops reading a mapping at the first guard page in it; core files that the kernel
writes are complete."""

    def __init__(self):
        super().__init__("caraway core", gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) != 1:
            raise gdb.GdbError(self.__doc__)
        gdb.execute("generate-core-file " + argument)
        fill_in(words[0], saved_stacks())


class Caraway(gdb.Command):
    """Commands about the caraway library."""

    def __init__(self):
        super().__init__("caraway", gdb.COMMAND_STATUS, prefix=True)


Caraway()
InfoCoroutines("info coroutines")
InfoCoroutines("caraway list")
GenerateCore()
SelectCoroutine()
