# SPDX-License-Identifier: GPL-2.0-only
"""
What a guest boots from: one uncompressed cpio archive in three parts.

base     busybox and the tools of TOOLS with their libraries; cached by content
modules  what MODULES names of the kernel's own modules, and all of ours
guest    qemu/guest and the run's own configuration

fio drags in 80 MB of libraries, so it is on a disk of its own, attached only
where a script says fio. Where instructions are counted it is in the archive: the
interrupts of a disk of this machine come when they come, and no count repeats.
There the archive has no tests and no other scripts, either: what is where in the
guest's memory, and so a figure, is not to change with them.
"""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fltmgr"

TOOLS = ["kmod", "dmsetup", "mke2fs", "e2fsck", "tune2fs", "dumpe2fs", "blkdiscard",
         "fallocate", "fstrim", "setpriv", "losetup", "replay-log"]
LINKS = {"kmod": ["modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"],
         "mke2fs": ["mkfs.ext4"], "e2fsck": ["fsck.ext4"]}
MODULES = ["virtio_pci", "virtio_blk", "ext4", "dm-mod", "dm-log-writes", "dm-flakey", "dm-delay",
           "null_blk", "brd", "loop", "scsi_debug", "sd_mod", "crc32c_generic", "kunit"]
DIRECTORIES = ["bin", "usr/bin", "usr/sbin", "etc", "proc", "sys", "dev", "tmp", "run",
               "root", "lib", "lib64", "guest", "modules", "mnt", "tools", "var"]
ETC = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
       "etc/group": "root:x:0:\nnogroup:x:65534:\n"}


def run(*command, **kw):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE,
                          text=True, **kw).stdout


class Archive:
    """A newc cpio archive; unlike cpio(1), needs no root and no staging directory."""

    def __init__(self, out):
        self.out, self.ino, self.seen = out, 0, set()

    def _entry(self, name, mode, data=b""):
        self.ino += 1
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def directory(self, name):
        parts = Path(name).parts
        for i in range(1, len(parts) + 1):
            d = "/".join(parts[:i])
            if d not in self.seen:
                self.seen.add(d)
                self._entry(d, 0o040755)

    def data(self, name, data, mode=0o644):
        if name in self.seen:
            return
        self.directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, 0o100000 | mode, data if isinstance(data, bytes) else data.encode())

    def file(self, name, path, mode=None):
        self.data(name, Path(path).read_bytes(), mode or os.stat(path).st_mode & 0o777)

    def link(self, name, target):
        if name not in self.seen:
            self.directory(os.path.dirname(name))
            self.seen.add(name)
            self._entry(name, 0o120777, target.encode())

    def end(self):
        self._entry("TRAILER!!!", 0)


def which(tool):
    return shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin:/usr/local/sbin")


def libraries(binary):
    """The shared objects a binary is loaded with, the loader among them."""
    out = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False).stdout
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", out, re.M)


def cached(name, key, make):
    """CACHE/images/name-HASH, made by make(path) once."""
    path = CACHE / "images" / f"{name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as tmp:
            make(Path(tmp) / "new")
            os.replace(Path(tmp) / "new", path)
    return path


def stamp(path):
    st = os.stat(path)
    return str(path), st.st_size, st.st_mtime_ns


def base():
    busybox = which("busybox")
    tools = {t: which(t) for t in TOOLS if which(t)}
    files = sorted({lib for t in tools.values() for lib in libraries(t)})

    def make(path):
        with open(path, "wb") as out:
            a = Archive(out)
            for d in DIRECTORIES:
                a.directory(d)
            a.link("sbin", "usr/sbin")		# where the kernel looks for modprobe
            for name, text in ETC.items():
                a.data(name, text)
            for tool, real in tools.items():
                a.file(f"usr/sbin/{tool}", real, 0o755)
                for link in LINKS.get(tool, []):
                    a.link(f"usr/sbin/{link}", tool)
            for lib in files:
                a.file(lib.lstrip("/"), lib, 0o755)
            if os.path.exists("/etc/mke2fs.conf"):
                a.file("etc/mke2fs.conf", "/etc/mke2fs.conf")
            a.file("bin/busybox", busybox, 0o755)
            # Full tools come first in PATH, so that a link of the same name does not hide them.
            for applet in run(busybox, "--list").split():
                a.link(f"bin/{applet}", "busybox")
            a.end()

    key = [stamp(p) for p in [__file__, busybox, *tools.values(), *files]]
    return cached("base.cpio", key, make)


FIO = "#!/bin/sh\nexec /tools/ld-linux-x86-64.so.2 --library-path /tools /tools/fio.bin \"$@\"\n"


def tools_files():
    """{name in /tools: path} of fio and its libraries."""
    fio = which("fio")
    return {"fio.bin": fio, **{os.path.basename(lib): lib for lib in libraries(fio)}}


def tools_disk():
    """fio, its libraries and a wrapper, as an ext4 image."""
    files = tools_files()

    def make(path):
        with tempfile.TemporaryDirectory() as tmp:
            root = Path(tmp)
            for name, real in files.items():
                shutil.copy(real, root / name)
            wrapper = root / "fio"
            wrapper.write_text(FIO)
            wrapper.chmod(0o755)
            size = sum(f.stat().st_size for f in root.iterdir()) // (1 << 20) + 16
            run(which("mke2fs"), "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, path, f"{size}M",
                stderr=subprocess.DEVNULL)

    return cached("tools.ext4", [stamp(p) for p in [__file__, *files.values()]], make)


def tools_part(archive):
    for name, real in tools_files().items():
        archive.file(f"tools/{name}", real, 0o755)
    archive.data("tools/fio", FIO, 0o755)


def kernel_modules(kernel, release):
    """{name in the guest: bytes} of the kernel's own modules that guests want."""
    wanted = []
    for m in MODULES:
        out = subprocess.run([which("modprobe"), "-d", kernel, "-S", release, "--show-depends", m],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        wanted += re.findall(r"^insmod (\S+)", out.stdout, re.M)
    base_dir = kernel / "lib/modules" / release
    for path in dict.fromkeys(wanted):
        data = Path(path).read_bytes()
        name = "kernel/" + path.split(f"/{release}/kernel/", 1)[1]
        if name.endswith(".xz"):
            data = subprocess.run(["xz", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
            name = name[:-3]
        yield name, data
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if (base_dir / name).exists():
            yield name, (base_dir / name).read_bytes()


def modules(kernel, build, archive, tests):
    """Both kinds of modules with depmod's index over them; returns our modules' names."""
    release = (kernel / "release").read_text().strip()
    order = build / "modules.order"
    ours = []
    for line in order.read_text().split() if order.exists() else []:
        obj = Path(line)
        if tests or obj.parent.name != "kunit":
            ours.append((obj if obj.is_absolute() else build / obj).with_suffix(".ko"))
    with tempfile.TemporaryDirectory() as tmp:
        root = Path(tmp) / "lib/modules" / release
        for name, data in kernel_modules(kernel, release):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        (root / "updates").mkdir(parents=True, exist_ok=True)
        for ko in ours:
            shutil.copy(ko, root / "updates" / ko.name)
        run(which("depmod"), "-b", tmp, release, stderr=subprocess.DEVNULL)
        for f in sorted(p for p in root.rglob("*") if p.is_file()):
            archive.file(f"lib/modules/{release}/{f.relative_to(root)}", f)
    for ko in ours:
        archive.link(f"modules/{ko.name}", f"../lib/modules/{release}/updates/{ko.name}")
    if (build / "Module.symvers").exists():
        archive.file("guest/symvers", build / "Module.symvers")
    archive.data("guest/suites", "".join(ko.stem + "\n" for ko in ours if ko.parent.name == "kunit"))
    return [ko.stem.replace("-", "_") for ko in ours]


def initramfs(path, kernel, build, script, args, conf, counted=False, fio=False):
    """Write the whole archive to path; counted: where instructions are."""
    with open(path, "wb") as out:
        with open(base(), "rb") as b:
            shutil.copyfileobj(b, out)
        a = Archive(out)
        ours = modules(kernel, build, a, tests=not counted)
        for f in sorted((TOP / "qemu/guest").iterdir()):
            if f.is_file() and not (counted and re.match("(check|stress|bench|demo|kunit)", f.name)):
                a.file("init" if f.name == "init" else f"guest/{f.name}", f, 0o755)
        a.file(f"guest/{script.name}", script, 0o755)
        tools = TOP / "build/tools"
        for f in sorted(tools.iterdir()) if tools.is_dir() else []:
            if f.is_file() and os.access(f, os.X_OK):
                a.file(f"usr/bin/{f.name}", f, 0o755)
        if counted and fio:
            tools_part(a)
        a.data("guest/modules", "".join(m + "\n" for m in ours))
        a.data("guest/args", "".join(x + "\n" for x in args))
        a.data("guest/run.conf", "".join(f"{k}='{v}'\n" for k, v in conf.items()))
        a.end()
