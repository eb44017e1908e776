using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>
/// A file descriptor of the process as a stream, by read(2) and write(2) alone. A file that output was redirected to has one
/// position, which every writer of the process and its children moves; the runtime's own file stream would keep another.
/// </summary>
internal sealed partial class DescriptorStream(int descriptor) : Stream
{
    /// <summary>errno(3): a signal came first; the call is made again.</summary>
    private const int Interrupted = 4;

    /// <summary>errno(3): whoever shares the descriptor made it non-blocking.</summary>
    private const int Again = 11;

    /// <summary>How long to wait before a non-blocking descriptor is asked again.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            nint read = ReadDescriptor(descriptor, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (read >= 0) return (int)read;
            Retry("reading");
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written = WriteDescriptor(descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0) buffer = buffer[(int)written..];
            else Retry("writing");
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Retry(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error == Again) Thread.Sleep(s_pause);
        else if (error != Interrupted) throw new IOException($"{what} descriptor {descriptor}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    // SAFETY: the reference is to the first of as many bytes as the length says and is pinned for the call; neither call keeps it.
    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadDescriptor(int descriptor, ref byte buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteDescriptor(int descriptor, in byte buffer, nuint length);
}
