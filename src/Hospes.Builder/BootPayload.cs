using Hospes.Hypervisor;

namespace Hospes.Builder;

/// <summary>Bytes that go into guest memory whole, such as an initrd: from memory, or streamed from a file.</summary>
public sealed class BootPayload
{
    private const int ChunkSize = 1 << 20;

    private readonly Func<Stream> _open;

    private BootPayload(long length, Func<Stream> open)
    {
        Length = length;
        _open = open;
    }

    /// <summary>How many bytes.</summary>
    public long Length { get; }

    /// <summary>Takes bytes that are in memory already.</summary>
    /// <param name="bytes">The bytes; they must not change until the guest is built.</param>
    public static BootPayload FromBytes(byte[] bytes) => new(bytes.LongLength, () => new MemoryStream(bytes, writable: false));

    /// <summary>Takes a file, which is read while the guest is built.</summary>
    /// <param name="path">The file.</param>
    /// <param name="payload">The payload, or null.</param>
    /// <param name="failure"><see cref="BuildError.InitrdUnreadable"/>, or null.</param>
    public static bool TryOpen(string path, out BootPayload? payload, out BuildFailure? failure)
    {
        payload = null;
        failure = null;
        try
        {
            using FileStream file = File.OpenRead(path);
            payload = new BootPayload(file.Length, () => File.OpenRead(path));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            failure = new BuildFailure(BuildError.InitrdUnreadable, e.Message);
            return false;
        }
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
        try
        {
            using Stream source = _open();
            while (done < Length)
            {
                int read = source.Read(buffer, 0, (int)Math.Min(buffer.Length, Length - done));
                if (read == 0) return new BuildFailure(BuildError.InitrdUnreadable, $"it ended after {done} of {Length} bytes");
                if (!memory.TryWrite(address + (ulong)done, buffer.AsSpan(0, read))) return new BuildFailure(BuildError.MemoryMapInvalid, $"no RAM at 0x{address + (ulong)done:x}");
                done += read;
                progress?.Invoke(done);
            }
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new BuildFailure(BuildError.InitrdUnreadable, e.Message);
        }
    }
}
