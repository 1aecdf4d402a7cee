"""The `path_*` functions: what a guest does with names below the directories it was given."""

from __future__ import annotations

import os
import stat

from omnicore.sandbox.abi import HostCall
from omnicore.sandbox.wasi.budget import ENTRY_BYTES
from omnicore.sandbox.wasi.errno import INVAL, NOENT, NOTDIR, PERM, SUCCESS, WasiError
from omnicore.sandbox.wasi.files import Directory
from omnicore.sandbox.wasi.layout import U32, load_path, pack_filestat
from omnicore.sandbox.wasi.opening import Wish, open_below
from omnicore.sandbox.wasi.paths import Walk, stays_below
from omnicore.sandbox.wasi.rights import FOLLOW
from omnicore.sandbox.wasi.session import WasiSession
from omnicore.sandbox.wasi.times import chosen_times


def path_open(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    opening: int,
    rights: int,
    inheriting: int,
    flags: int,
    out: int,
) -> int:
    """Opens a file or directory."""
    directory = session.directory(fd)
    wish = Wish(
        path=load_path(call, path, length),
        follow=bool(lookup & FOLLOW),
        opening=opening,
        rights=rights,
        flags=flags,
    )
    call.store(out, U32.pack(0))  # a bad address is found before anything is opened
    session.check_room_for_file()
    call.store(out, U32.pack(session.add(open_below(session, directory, wish))))
    return SUCCESS


def path_filestat_get(
    session: WasiSession, call: HostCall, fd: int, lookup: int, path: int, length: int, out: int
) -> int:
    """Writes what is known of a file."""
    with _found(session, call, fd, lookup=lookup, path=path, length=length) as at:
        found = os.stat(at.name, dir_fd=at.directory, follow_symlinks=False)
    if at.folder and not stat.S_ISDIR(found.st_mode):
        raise WasiError(NOTDIR)
    call.store(out, pack_filestat(found))
    return SUCCESS


def path_filestat_set_times(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    access: int,
    modified: int,
    flags: int,
) -> int:
    """Sets the times of a file."""
    _writable(session, fd)
    access_ns, modified_ns = chosen_times(session.clocks, access=access, modified=modified, flags=flags)
    with _found(session, call, fd, lookup=lookup, path=path, length=length) as at:
        found = os.stat(at.name, dir_fd=at.directory, follow_symlinks=False)
        os.utime(
            at.name,
            ns=(
                found.st_atime_ns if access_ns is None else access_ns,
                found.st_mtime_ns if modified_ns is None else modified_ns,
            ),
            dir_fd=at.directory,
            follow_symlinks=False,
        )
    return SUCCESS


def path_create_directory(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Makes a directory."""
    with _named(session, call, fd, path, length) as at:
        session.budget.charge(ENTRY_BYTES)
        os.mkdir(at.name, dir_fd=at.directory)
    return SUCCESS


def path_remove_directory(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Removes an empty directory."""
    with _named(session, call, fd, path, length) as at:
        os.rmdir(at.name, dir_fd=at.directory)
    return SUCCESS


def path_unlink_file(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Removes a file or link."""
    with _named(session, call, fd, path, length) as at:
        _check_slash(at)
        os.unlink(at.name, dir_fd=at.directory)
    return SUCCESS


def path_rename(
    session: WasiSession,
    call: HostCall,
    fd: int,
    path: int,
    length: int,
    new_fd: int,
    new_path: int,
    new_length: int,
) -> int:
    """Moves a file or directory, within what may be written."""
    with (
        _named(session, call, fd, path, length) as old,
        _named(session, call, new_fd, new_path, new_length) as new,
    ):
        if old.folder or new.folder:
            _check_folder(old)
        os.rename(old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory)
    return SUCCESS


def path_link(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    new_fd: int,
    new_path: int,
    new_length: int,
) -> int:
    """Gives a file another name. Both ends must be writable: through the new name the file is written to."""
    if lookup & FOLLOW:
        raise WasiError(INVAL)
    with (
        _named(session, call, fd, path, length) as old,
        _named(session, call, new_fd, new_path, new_length) as new,
    ):
        _check_slash(old)
        if new.folder:
            raise WasiError(NOENT)
        session.budget.charge(ENTRY_BYTES)
        os.link(
            old.name,
            new.name,
            src_dir_fd=old.directory,
            dst_dir_fd=new.directory,
            follow_symlinks=False,
        )
    return SUCCESS


def path_symlink(
    session: WasiSession, call: HostCall, target: int, target_length: int, fd: int, path: int, length: int
) -> int:
    """Makes a link that leads down from where it stands.

    One that leads up or to the root would stay without effect here, but whoever on the host opens the
    directory later might follow it; so it is not made.
    """
    text = load_path(call, target, target_length)
    with _named(session, call, fd, path, length) as at:
        if not stays_below(text):
            raise WasiError(PERM)
        if at.folder:
            raise WasiError(NOENT)
        session.budget.charge(ENTRY_BYTES)
        os.symlink(text, at.name, dir_fd=at.directory)
    return SUCCESS


def path_readlink(
    session: WasiSession, call: HostCall, fd: int, path: int, length: int, buffer: int, room: int, out: int
) -> int:
    """Writes where a link leads, cut to the buffer. An absolute target is a path of the host: refused."""
    directory = session.directory(fd)
    with Walk(directory.host_fd, load_path(call, path, length), follow=False) as at:
        target = os.readlink(at.name, dir_fd=at.directory)
    if target.startswith(b"/"):
        raise WasiError(PERM)
    call.store(buffer, target[:room])
    call.store(out, U32.pack(min(len(target), room)))
    return SUCCESS


def _found(session: WasiSession, call: HostCall, fd: int, *, lookup: int, path: int, length: int) -> Walk:
    """Where a path leads that is looked at."""
    text = load_path(call, path, length)
    return Walk(session.directory(fd).host_fd, text, follow=bool(lookup & FOLLOW) or text.endswith(b"/"))


def _named(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> Walk:
    """Where a name stands, or is to stand, that is changed. Raises: WasiError `PERM` in what is read-only."""
    directory = _writable(session, fd)
    return Walk(directory.host_fd, load_path(call, path, length), follow=False)


def _writable(session: WasiSession, fd: int) -> Directory:
    directory = session.directory(fd)
    if not directory.writable:
        raise WasiError(PERM)
    return directory


def _check_slash(at: Walk) -> None:
    """A name with a slash at its end must be a directory."""
    if at.folder:
        _check_folder(at)


def _check_folder(at: Walk) -> None:
    if not stat.S_ISDIR(os.stat(at.name, dir_fd=at.directory, follow_symlinks=False).st_mode):
        raise WasiError(NOTDIR)
