using Hospes.Hypervisor;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Builder;

/// <summary>
/// What a guest is built of, such as a kernel or an initrd: bytes in memory, or a file, which stays open and is read each time that a guest is built, so that
/// nothing of it is in memory between.
/// </summary>
public sealed class BootPayload
{
    private const int ChunkSize = 1 << 20;

    private readonly Reader _read;
    private readonly BuildError _unreadable;

    private BootPayload(long length, Reader read, BuildError unreadable)
    {
        Length = length;
        _read = read;
        _unreadable = unreadable;
    }

    /// <summary>Reads from an offset on; answers how many bytes, 0 at the end.</summary>
    private delegate int Reader(Span<byte> into, long offset);

    /// <summary>How many bytes.</summary>
    public long Length { get; }

    /// <summary>Takes bytes that are in memory already.</summary>
    /// <param name="bytes">The bytes; they must not change until the guest is built.</param>
    public static BootPayload FromBytes(byte[] bytes) => new(
        bytes.LongLength,
        (into, offset) =>
        {
            int count = (int)Math.Min(into.Length, bytes.LongLength - offset);
            bytes.AsSpan((int)offset, count).CopyTo(into);
            return count;
        },
        BuildError.InitrdUnreadable);

    /// <summary>Takes an initrd's file, which is read while a guest is built.</summary>
    /// <param name="path">The file.</param>
    /// <param name="payload">The payload, or null.</param>
    /// <param name="failure"><see cref="BuildError.InitrdUnreadable"/>, or null.</param>
    public static bool TryOpen(string path, out BootPayload? payload, out BuildFailure? failure) =>
        TryOpen(path, BuildError.InitrdUnreadable, out payload, out failure);

    /// <summary>Takes a kernel's file, if it is no larger than <see cref="Limits.MaxFileSize"/>. It is read while a guest is built.</summary>
    /// <param name="path">The file.</param>
    /// <param name="payload">The payload, or null.</param>
    /// <param name="failure"><see cref="BuildError.KernelUnreadable"/> or <see cref="BuildError.KernelTooLarge"/>, or null.</param>
    public static bool TryOpenKernel(string path, out BootPayload? payload, out BuildFailure? failure)
    {
        if (!TryOpen(path, BuildError.KernelUnreadable, out payload, out failure)) return false;
        if (payload!.Length <= Limits.MaxFileSize) return true;
        failure = new BuildFailure(BuildError.KernelTooLarge, $"{payload.Length >> 20} MiB");
        payload = null;
        return false;
    }

    /// <summary>Reads all of it.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="failure">Why not, or null.</param>
    public bool TryRead(out byte[] bytes, out BuildFailure? failure)
    {
        byte[] all = new byte[Length];
        failure = Read(all.Length, (offset, left) => _read(all.AsSpan((int)offset, left), offset), static _ => null);
        bytes = failure is null ? all : [];
        return failure is null;
    }

    /// <summary>Copies the payload into guest memory.</summary>
    /// <param name="memory">Where to.</param>
    /// <param name="address">The first guest-physical address; the whole stretch must be RAM.</param>
    /// <param name="progress">Told how many bytes were copied so far.</param>
    /// <returns>Null, or why not.</returns>
    internal BuildFailure? CopyTo(GuestMemory memory, ulong address, Action<long>? progress)
    {
        byte[] buffer = new byte[Math.Min(ChunkSize, Length)];
        long done = 0;
        return Read(buffer.Length, (offset, left) => _read(buffer.AsSpan(0, left), offset), count =>
        {
            if (!memory.TryWrite(address + (ulong)done, buffer.AsSpan(0, count))) return new BuildFailure(BuildError.MemoryMapInvalid, $"no RAM at 0x{address + (ulong)done:x}");
            done += count;
            progress?.Invoke(done);
            return null;
        });
    }

    private static bool TryOpen(string path, BuildError unreadable, out BootPayload? payload, out BuildFailure? failure)
    {
        payload = null;
        failure = null;
        try
        {
            SafeFileHandle file = File.OpenHandle(path);
            payload = new BootPayload(RandomAccess.GetLength(file), (into, offset) => RandomAccess.Read(file, into, offset), unreadable);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            failure = new BuildFailure(unreadable, e.Message);
            return false;
        }
    }

    /// <summary>Reads from the first byte to the last.</summary>
    /// <param name="most">The bytes of one part.</param>
    /// <param name="read">Reads a part, of which at most so many bytes are left; answers how many it read.</param>
    /// <param name="take">Takes the part; answers null, or why it ends there.</param>
    private BuildFailure? Read(int most, Func<long, int, int> read, Func<int, BuildFailure?> take)
    {
        long done = 0;
        try
        {
            while (done < Length)
            {
                int count = read(done, (int)Math.Min(most, Length - done));
                if (count == 0) return new BuildFailure(_unreadable, $"it ended after {done} of {Length} bytes");
                if (take(count) is { } failure) return failure;
                done += count;
            }
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new BuildFailure(_unreadable, e.Message);
        }
    }
}
