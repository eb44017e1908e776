using System.Text;
using Hospes.Cli.Native;

namespace Hospes.Cli.CommandLine;

/// <summary>The standard streams themselves, without the runtime's console in between.</summary>
internal static class StandardStream
{
    /// <summary>Numbers of file descriptors (stdin(3)).</summary>
    public const int Input = 0, Output = 1, Error = 2;

    /// <summary>Opens one. Unbuffered; closing the result leaves the descriptor open.</summary>
    public static Stream Open(int number) => new DescriptorStream(number);

    /// <summary>A writer of UTF-8 that holds nothing back. A reader that went away is no failure.</summary>
    public static TextWriter Writer(int number) => TextWriter.Synchronized(new StreamWriter(new Forgiving(Open(number)), new UTF8Encoding(false)) { AutoFlush = true });

    /// <summary>Writes until the reader goes away, and nowhere from then on.</summary>
    private sealed class Forgiving(Stream inner) : Stream
    {
        private bool _gone;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (_gone) return;
            try
            {
                inner.Write(buffer);
            }
            catch (IOException)
            {
                _gone = true;
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
