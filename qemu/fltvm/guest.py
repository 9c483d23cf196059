# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU process, watched until the guest has written its verdict."""
import fcntl
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from .image import CACHE

SLOTS = 2	# VMs at a time on one machine, whoever starts them
# There is no use in waiting for the time-out after one of these.
STUCK = re.compile(r"^.*(?:INFO: task .* blocked for more than|BUG: soft lockup).*$", re.M)


def slot():
    """A lock that this process holds until it ends."""
    CACHE.mkdir(parents=True, exist_ok=True)
    files = [open(CACHE / f"vm-slot-{n}", "w") for n in range(SLOTS)]	# pylint: disable=consider-using-with
    told = time.monotonic() + 3
    while True:
        if time.monotonic() > told:
            print("fltmgr: waiting for a VM slot", file=sys.stderr)
            told = float("inf")
        for f in files:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return f
            except OSError:
                pass
        time.sleep(0.5)


class Guest:
    def __init__(self, work, logs, o):
        self.work, self.console, self.result = work, logs / "console.log", logs / "result"
        self.o = o
        for f in (self.console, self.result):
            f.write_bytes(b"")

    def command(self, kernel, initrd, disks, accel, append):
        o = self.o
        cmd = ["qemu-system-x86_64", "-M", "q35", "-accel", accel, "-smp", str(o.cpus), "-m", str(o.memory),
               "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none",
               "-chardev", f"socket,id=con,path={self.work}/con,server=on,wait=off,logfile={self.console},logappend=on",
               "-serial", "chardev:con", "-chardev", f"file,id=res,path={self.result}", "-serial", "chardev:res",
               "-qmp", f"unix:{self.work}/qmp,server=on,wait=off", "-kernel", str(kernel / "bzImage"),
               "-initrd", str(initrd), "-append", append]
        if o.icount:
            # With the clock and the random numbers the same each time, a count repeats to the last digit. What
            # the kernel starts its random numbers from is in the seed that QEMU hands to it.
            cmd += ["-cpu", "qemu64,-rdrand,-rdseed", "-icount", "shift=0,sleep=off", "-seed", "1",
                    "-rtc", "base=2025-01-01T00:00:00,clock=vm"]
        else:
            # rdrand: without it the first reader of random numbers waits seconds.
            cmd += ["-cpu", "host" if accel == "kvm" else "qemu64,+rdrand"]
        for n, disk in enumerate(disks):
            cmd += ["-drive", f"if=none,id=d{n},file={disk},format=raw,cache=unsafe,discard=unmap"
                    + (",readonly=on" if disk.parent != self.work else ""),
                    "-device", f"virtio-blk-pci,drive=d{n},serial=disk{n}"]
        if o.plugin:
            cmd += ["-plugin", o.plugin]
        for device in o.device:
            cmd += ["-device", device]
        return cmd

    def lines(self):
        return self.result.read_bytes().decode(errors="replace").replace("\r", "").splitlines()

    def stuck(self):
        """The kernel says that a task or a CPU no longer moves, and no test asked for that."""
        said = self.console.read_bytes().decode(errors="replace")
        return any(not any(re.search(e, line) for e in self.o.expect_splat) for line in STUCK.findall(said))

    def run(self, command, boot_limit, limit):
        """Returns "done", "exited", "stuck" or "timeout", and the seconds that boot took."""
        began, booted = time.monotonic(), None
        with open(self.work / "qemu.log", "wb") as log:
            vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)	# pylint: disable=consider-using-with
        checked = began
        try:
            while True:
                exited = vm.poll() is not None
                lines = self.lines()
                if booted is None and "start" in lines:
                    booted = time.monotonic() - began
                if lines and lines[-1] == "end":
                    return "done", booted
                if exited:
                    return "exited", booted
                spent = time.monotonic() - began
                if spent > (limit if booted is not None else min(limit, boot_limit)):
                    self.autopsy()
                    return "timeout", booted
                if time.monotonic() > checked + 5:
                    checked = time.monotonic()
                    if self.stuck():
                        self.autopsy()
                        return "stuck", booted
                time.sleep(0.1)
        finally:
            vm.kill()
            vm.wait()
            noise = (self.work / "qemu.log").read_text(errors="replace").strip()
            if noise:
                with open(self.console, "a", encoding="utf-8") as f:
                    f.write(f"\nguest: qemu said: {noise}\n")

    def qmp(self, *commands):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(str(self.work / "qmp"))
                f = s.makefile("rw")
                f.readline()
                for c in ({"execute": "qmp_capabilities"},) + commands:
                    f.write(json.dumps(c) + "\n")
                    f.flush()
                    while "event" in json.loads(f.readline() or "{}"):
                        pass
        except (OSError, ValueError):
            pass

    def autopsy(self):
        """Blocked tasks, every CPU's stack and the task list, into the console's log, before the kill."""
        with open(self.console, "a", encoding="utf-8") as f:
            f.write("\nguest: runner: no verdict; blocked tasks, CPUs, tasks follow\n")
        size = os.path.getsize(self.console)
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(self.work / "con"))
                for key in b"wlt":
                    self.qmp({"execute": "chardev-send-break", "arguments": {"id": "con"}})
                    s.send(bytes([key]))
                    self.settle(s)
        except OSError:
            pass
        if os.path.getsize(self.console) == size:
            # Not even interrupts: the panic that an NMI makes shows where.
            self.qmp({"execute": "inject-nmi"})
            self.settle()

    def settle(self, con=None, quiet=1.5, limit=15):
        """Until the console has said nothing for a while; what con gets must be read, or the guest stalls."""
        end, last, size = time.monotonic() + limit, time.monotonic(), -1
        while time.monotonic() < min(end, last + quiet):
            now = os.path.getsize(self.console)
            if now != size:
                size, last = now, time.monotonic()
            if con and select.select([con], [], [], 0.05)[0]:
                con.recv(1 << 16)
            else:
                time.sleep(0.05)


def accelerator(o, probe):
    """tcg unless a guest is known to come up under KVM; probe() is asked once per boot of this machine."""
    tcg = f"tcg,thread={o.thread}"
    wanted = os.environ.get("ACCEL")
    if o.icount or o.plugin or wanted == "tcg" or o.tcg:
        return tcg
    if wanted:
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return tcg
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    answer = CACHE / f"kvm-{boot}"
    if not answer.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        answer.write_text("yes" if probe() else "no")
    return "kvm" if answer.read_text() == "yes" else tcg
