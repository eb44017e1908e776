using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Vmm.Chardevs;

/// <summary>A pseudo-terminal. Its peer is there while some program has it open.</summary>
internal sealed class PtyChardev : Chardev
{
    /// <summary>How long a wait is before it is looked whether the device ended, in milliseconds.</summary>
    private const int Pause = 100;

    private readonly SafeFileHandle _file;

    private PtyChardev(string id, SafeFileHandle file, string name)
        : base(id) => (_file, Name) = (file, name);

    /// <summary>The path that programs open.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string FileName => $"{(IsOpened() ? "" : "disconnected:")}pty:{Name}";

    /// <summary>Makes the pseudo-terminal.</summary>
    public static PtyChardev? TryOpen(string id, out string? error)
    {
        SafeFileHandle? file = PtyNative.TryOpen(out string name);
        error = file is null ? $"Failed to create PTY: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}" : null;
        return file is null ? null : new PtyChardev(id, file, name);
    }

    /// <inheritdoc/>
    public override async ValueTask<Stream?> ConnectAsync()
    {
        // The kernel tells nobody that a terminal was opened.
        while (!Ended.IsCancellationRequested)
        {
            if (IsOpened()) return new Master(this);
            await Task.Delay(Pause, CancellationToken.None).ConfigureAwait(false);
        }
        return null;
    }

    /// <inheritdoc/>
    protected override void Close() => _file.Dispose();

    private bool IsOpened() => (PtyNative.Wait(_file, PtyNative.PollOut, 0) & (PtyNative.PollHangUp | PtyNative.PollOut)) == PtyNative.PollOut;

    private sealed class Master(PtyChardev chardev) : DuplexStream
    {
        private bool _disposed;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!chardev.Ended.IsCancellationRequested && !_disposed)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (PtyNative.Wait(chardev._file, PtyNative.PollIn, 0) == 0)
                {
                    await Task.Delay(Pause / 10, cancellationToken).ConfigureAwait(false);
                    continue;
                }
                nint read = TryRead(buffer.Span);
                if (read >= 0) return (int)read;
                if (Marshal.GetLastPInvokeError() is not (PtyNative.Interrupted or PtyNative.Again)) return 0;
            }
            return 0;
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!buffer.IsEmpty && !chardev.Ended.IsCancellationRequested && !_disposed)
            {
                short events = PtyNative.Wait(chardev._file, PtyNative.PollOut, Pause);
                if (events == 0) continue;
                nint written = (events & PtyNative.PollHangUp) != 0 ? -1 : TryWrite(buffer);
                if (written > 0) buffer = buffer[(int)written..];
                else if ((events & PtyNative.PollHangUp) != 0 || Marshal.GetLastPInvokeError() is not (PtyNative.Interrupted or PtyNative.Again)) throw new IOException("nobody has the terminal open");
            }
        }

        protected override void Dispose(bool disposing)
        {
            _disposed = true;
            base.Dispose(disposing);
        }

        private nint TryRead(Span<byte> buffer)
        {
            try
            {
                return PtyNative.Read(chardev._file, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            }
            catch (ObjectDisposedException)
            {
                return 0;
            }
        }

        private nint TryWrite(ReadOnlySpan<byte> buffer)
        {
            try
            {
                return PtyNative.Write(chardev._file, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            }
            catch (ObjectDisposedException)
            {
                throw new IOException("the device ended");
            }
        }
    }
}
