"""The watcher sees files, connections and processes in a log of strace."""

import os

import pytest

from effects.jobs import Case, Job, read_marker
from effects.watch import Allowed, find_effects

_BEGIN = '7 access("/tf1hub-marker/convert/signature/ReadFile", F_OK) = -1 ENOENT (No such file)'
_OS = os.__file__
_CASE = Case("signature", "ReadFile")


def _effects(*lines):
    return [(e.call, e.detail) for e in find_effects([_BEGIN, *lines], Allowed("/job/inside"))]


@pytest.mark.parametrize(
    ("line", "call", "detail"),
    [
        ('7 openat(AT_FDCWD</job>, "/etc/hosts", O_RDONLY) = 3', "openat", "/etc/hosts"),
        ('8 openat(AT_FDCWD</job/inside>, "../other", O_RDONLY) = 3', "openat", "/job/other"),
        ('8 openat(5</etc>, "passwd", O_RDONLY <unfinished ...>', "openat", "/etc/passwd"),
        ('8 access("/job/inside_too", F_OK) = 0', "access", "/job/inside_too"),
        ('8 openat(AT_FDCWD</x>, "/job", O_RDONLY) = 3</job>', "openat", "/job"),
        ('8 rename("/job/inside/a", "/home/b") = 0', "rename", "/home/b"),
        ('8 unlink("/job/inside/a\\"/../../b") = -1', "unlink", "/job/b"),
        ('8 stat("/job/secret", 0x7f) = -1 ENOENT', "stat", "/job/secret"),
        (f'8 openat(AT_FDCWD</x>, "{_OS}", O_WRONLY|O_TRUNC) = 3', "openat", _OS),
        (f'8 unlink("{_OS}") = 0', "unlink", _OS),
        ("8 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 8", "socket", None),
        ('8 connect(8, {sa_family=AF_UNIX, sun_path="/job/inside/x"}, 9) = 0', "connect", None),
        ("8 connect(8<socket:[1]>, {sa_family=AF_INET}, 9) = 0", "connect", None),
        ("8 io_uring_setup(8, {}) = 9", "io_uring_setup", None),
        ("8 kill(1, SIGTERM) = 0", "kill", None),
        ("8 vfork( <unfinished ...>", "vfork", None),
        ("8 clone(child_stack=NULL, flags=SIGCHLD) = 9", "clone", None),
        ('8 execve("/bin/sh", ["sh"], 0x7f /* 9 vars */) = 0', "execve", None),
    ],
)
def test_an_effect(line, call, detail):
    ((found, text),) = _effects(line)
    assert found == call
    assert detail is None or text == detail


@pytest.mark.parametrize(
    "line",
    [
        '8 openat(AT_FDCWD</x>, "/job/inside/a", O_RDONLY) = 3',
        '8 openat(AT_FDCWD</job/inside>, "a", O_RDONLY) = 3',
        f'8 openat(AT_FDCWD</x>, "{_OS}", O_RDONLY|O_CLOEXEC) = 3',
        '8 newfstatat(3</etc/passwd>, "", {st_mode=S_IFREG|0644}, AT_EMPTY_PATH) = 0',
        '8 newfstatat(AT_FDCWD</x>, "/job", {st_mode=S_IFDIR|0755}, AT_SYMLINK_NOFOLLOW) = 0',
        "8 clone3({flags=CLONE_VM|CLONE_THREAD, stack_size=0x1}, 88) = 9",
        "8 exit(0) = ?",
        "8 +++ exited with 0 +++",
        "8 <... openat resumed>) = 3",
    ],
)
def test_no_effect_because_it_belongs_to_the_conversion(line):
    assert _effects(line) == []


def test_what_is_before_the_first_case_is_the_import_of_python():
    line = '7 openat(AT_FDCWD</x>, "/etc/passwd", O_RDONLY) = 3'
    assert [*find_effects([line, _BEGIN], Allowed("/job/inside"))] == []


def test_an_effect_has_the_case_during_which_it_happened():
    line = '7 openat(AT_FDCWD</x>, "/etc/passwd", O_RDONLY) = 3'
    end = '7 access("/tf1hub-marker", F_OK) = -1 ENOENT (No such file or directory)'
    found = find_effects([_BEGIN, line, end, line], Allowed("/job/inside"))
    assert [effect.case for effect in found] == [_CASE, None]


def test_a_marker_is_read():
    case = Case("control input", "ReadFile", "allow")
    assert read_marker(case.marker) == case


def test_a_job_is_read(tmp_path):
    job = Job(str(tmp_path), "/module", "/canary", ("file:///dump",), (_CASE,))
    assert Job.read(job.write()) == job
