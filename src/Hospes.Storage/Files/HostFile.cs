using Hospes.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Storage.Files;

/// <summary>A regular file or a block device of the host.</summary>
internal sealed unsafe class HostFile : IImageFile
{
    private readonly SafeFileHandle _handle;

    /// <summary>Set when the file system said once that it has no such call, so that it is not asked for every request.</summary>
    private volatile bool _noPunch, _noZeroRange;

    private volatile StorageError _syncFailed;

    private HostFile(SafeFileHandle handle, FileIdentity identity, bool readOnly, bool regular)
    {
        _handle = handle;
        Identity = identity;
        IsReadOnly = readOnly;
        IsRegular = regular;
    }

    public FileIdentity Identity { get; }

    public bool IsReadOnly { get; }

    public bool IsRegular { get; }

    /// <summary>Opens a file that is there, or makes a new one.</summary>
    /// <param name="path">The path.</param>
    /// <param name="readOnly">True to open for reading only.</param>
    /// <param name="create">True to make a file where none must be.</param>
    /// <param name="lockUse">What other processes may do meanwhile.</param>
    /// <param name="failure">Why not.</param>
    /// <returns>The file, or null.</returns>
    public static HostFile? TryOpen(string path, bool readOnly, bool create, LockUse lockUse, out StorageFailure? failure)
    {
        // Without O_NONBLOCK the open of a FIFO would wait for its other end.
        int flags = LibC.OpenCloseOnExec | LibC.OpenNonBlocking | (readOnly ? LibC.OpenReadOnly : LibC.OpenReadWrite);
        if (create) flags |= LibC.OpenCreate | LibC.OpenExclusive;
        if (path.Length == 0 || path.Contains('\0')) return Refuse(StorageError.NotFound, path, out failure);
        int descriptor = LibC.Open(path, flags, 0x1b6);
        if (descriptor < 0) return Refuse(HostErrors.Of(LibC.LastError), path, out failure);
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        LibC.FileStatus status;
        StorageError error = StorageError.None;
        if (LibC.Status(handle, &status) != 0) error = HostErrors.Of(LibC.LastError);
        else if (!status.IsRegular && !status.IsBlockDevice) error = StorageError.Unsupported;
        else error = ImageLock.Acquire(handle, lockUse);
        if (error != StorageError.None)
        {
            handle.Dispose();
            return Refuse(error, path, out failure);
        }

        failure = null;
        return new HostFile(handle, new FileIdentity(status.DeviceMajor, status.DeviceMinor, status.Inode), readOnly, status.IsRegular);
    }

    /// <summary>The space that the file takes on the host, in bytes.</summary>
    public long SpaceUsed()
    {
        LibC.FileStatus status;
        return LibC.Status(_handle, &status) == 0 ? status.Blocks * 512 : 0;
    }

    public StorageError Length(out long length)
    {
        length = LibC.Seek(_handle, 0, LibC.SeekEnd);
        return length < 0 ? LastError() : StorageError.None;
    }

    public StorageError Read(long offset, Span<byte> buffer, out int count)
    {
        count = 0;
        // SAFETY: the span stays pinned for each call, and the length given is that of its rest.
        fixed (byte* start = buffer)
        {
            while (count < buffer.Length)
            {
                nint got = LibC.Read(_handle, start + count, (nuint)(buffer.Length - count), offset + count);
                if (got == 0) return StorageError.None;
                if (got < 0 && LibC.LastError != LibC.Interrupted) return LastError();
                count += (int)Math.Max(0, got);
            }
        }

        return StorageError.None;
    }

    public StorageError Write(long offset, ReadOnlySpan<byte> data)
    {
        int done = 0;
        // SAFETY: as in Read.
        fixed (byte* start = data)
        {
            while (done < data.Length)
            {
                nint put = LibC.Write(_handle, start + done, (nuint)(data.Length - done), offset + done);
                if (put == 0) return StorageError.NoSpace;
                if (put < 0 && LibC.LastError != LibC.Interrupted) return LastError();
                done += (int)Math.Max(0, put);
            }
        }

        return StorageError.None;
    }

    public StorageError Sync()
    {
        // Linux marks the pages of a failed write-back clean: a later call would succeed and mean nothing.
        if (_syncFailed != StorageError.None) return _syncFailed;
        if (LibC.Sync(_handle) == 0) return StorageError.None;
        return _syncFailed = LastError();
    }

    public StorageError Truncate(long length) => LibC.Truncate(_handle, length) == 0 ? StorageError.None : LastError();

    public StorageError Zero(long offset, long length, bool mayUnmap)
    {
        if (length == 0) return StorageError.None;
        if (mayUnmap && !_noPunch)
        {
            if (LibC.Fallocate(_handle, LibC.PunchHole, offset, length) == 0) return StorageError.None;
            _noPunch = NotThere();
        }

        if (!_noZeroRange)
        {
            if (LibC.Fallocate(_handle, LibC.ZeroRange, offset, length) == 0) return StorageError.None;
            _noZeroRange = NotThere();
        }

        return this.WriteZeros(offset, length);
    }

    public StorageError Punch(long offset, long length)
    {
        if (length == 0 || _noPunch || LibC.Fallocate(_handle, LibC.PunchHole, offset, length) == 0) return StorageError.None;
        _noPunch = NotThere();
        return StorageError.None;
    }

    public StorageError Reserve(long offset, long length)
    {
        if (length == 0 || LibC.Fallocate(_handle, LibC.Allocate, offset, length) == 0) return StorageError.None;
        return NotThere() ? StorageError.Unsupported : LastError();
    }

    public StorageError Find(long offset, out Extent extent)
    {
        extent = default;
        StorageError error = Length(out long end);
        if (error != StorageError.None) return error;
        long data = LibC.Seek(_handle, offset, LibC.SeekData);
        if (data < 0)
        {
            // ENXIO: no data up to the end. A file system or device without holes answers EINVAL: all of it is data.
            bool hole = LibC.LastError == LibC.NoSuchDevice;
            extent = new Extent(end - offset, hole && offset < end);
            return StorageError.None;
        }

        if (data > offset)
        {
            extent = new Extent(data - offset, true);
            return StorageError.None;
        }

        long next = LibC.Seek(_handle, offset, LibC.SeekHole);
        extent = new Extent((next > offset ? next : end) - offset, false);
        return StorageError.None;
    }

    public void Dispose()
    {
        if (_handle.IsClosed) return;
        ImageLock.Release(_handle);
        _handle.Dispose();
    }

    private static bool NotThere() => LibC.LastError is LibC.NotSupported or LibC.NoCall or LibC.Invalid or LibC.NoTerminal;

    private static StorageError LastError() => HostErrors.Of(LibC.LastError) is var error && error == StorageError.NotFound ? StorageError.IoError : error;

    private static HostFile? Refuse(StorageError error, string path, out StorageFailure? failure)
    {
        failure = new StorageFailure(error, error == StorageError.Unsupported ? $"{path} is neither a regular file nor a block device" : path);
        return null;
    }
}
