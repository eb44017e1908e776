using Hospes.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Storage.Files;

/// <summary>What a process does with an image, and what it lets others do meanwhile.</summary>
public enum LockUse
{
    /// <summary>Reads; nobody may write or resize meanwhile.</summary>
    Read,

    /// <summary>Reads, writes and resizes; nobody else may write or resize, nor read with <see cref="Read"/>.</summary>
    Write,

    /// <summary>Reads whatever others do meanwhile: what is read can be inconsistent.</summary>
    ReadShared,
}

/// <summary>
/// Locks between processes, as QEMU takes them, so that its tools and Hospes refuse each other's images (QEMU, block/file-posix.c):
/// locks of open file descriptions on single bytes. Byte 100 + n is locked, shared, by who holds permission n; byte 200 + n by who does
/// not want others to hold it. After locking, each side looks whether a lock of another stands on the byte that contradicts its own.
/// </summary>
/// <remarks>The locks end with the open file. They are advisory, and a file system without them (ENOLCK, EINVAL) goes without, as in QEMU.</remarks>
internal static unsafe class ImageLock
{
    private const long Held = 100, Unshared = 200;

    /// <summary>Permissions by their number (QEMU, include/block/block-common.h): consistent read 0, write 1, unchanged write 2, resize 3.</summary>
    private const uint ConsistentRead = 1u << 0, Writing = 1u << 1, Resizing = 1u << 3;

    private const int Permissions = 5;

    public static StorageError Acquire(SafeFileHandle file, LockUse use)
    {
        uint held = use == LockUse.Write ? ConsistentRead | Writing | Resizing : ConsistentRead;
        uint refused = use == LockUse.ReadShared ? 0 : Writing | Resizing;
        for (int permission = 0; permission < Permissions; permission++)
        {
            if ((held >> permission & 1) != 0 && !Lock(file, Held + permission)) return StorageError.Locked;
            if ((refused >> permission & 1) != 0 && !Lock(file, Unshared + permission)) return StorageError.Locked;
        }

        for (int permission = 0; permission < Permissions; permission++)
        {
            if ((held >> permission & 1) != 0 && IsLocked(file, Unshared + permission)) return StorageError.Locked;
            if ((refused >> permission & 1) != 0 && IsLocked(file, Held + permission)) return StorageError.Locked;
        }

        return StorageError.None;
    }

    /// <summary>Gives all locks back. Closing the descriptor would not do at once: a child process that was just forked has the open file too, until it executes its program.</summary>
    public static void Release(SafeFileHandle file)
    {
        var request = new LibC.FileLock { Type = LibC.Unlock, Start = Held, Length = Unshared + Permissions - Held };
        _ = LibC.Control(file, LibC.SetLock, &request);
    }

    private static bool Lock(SafeFileHandle file, long at)
    {
        var request = new LibC.FileLock { Type = LibC.ReadLock, Start = at, Length = 1 };
        return LibC.Control(file, LibC.SetLock, &request) == 0 || LibC.LastError is not (LibC.Again or LibC.Access);
    }

    private static bool IsLocked(SafeFileHandle file, long at)
    {
        var request = new LibC.FileLock { Type = LibC.WriteLock, Start = at, Length = 1 };
        return LibC.Control(file, LibC.GetLock, &request) == 0 && request.Type != LibC.Unlock;
    }
}
