using System.Threading.Channels;

namespace Hospes.Vmm.Chardevs;

/// <summary>Standard input and output. Input that ended leaves the output open.</summary>
internal sealed class StdioChardev : Chardev
{
    /// <summary>How many reads wait for the guest at most; then standard input waits.</summary>
    private const int MostWaiting = 16;

    private const int ChunkSize = 4096;

    private readonly Stream _input, _output;
    private readonly IDisposable? _terminal;
    private readonly Channel<ReadOnlyMemory<byte>> _typed = Channel.CreateBounded<ReadOnlyMemory<byte>>(MostWaiting);
    private bool _given;

    /// <summary>Makes it.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="terminal">Puts the terminal back as it was; null for none.</param>
    public StdioChardev(string id, Stream input, Stream output, IDisposable? terminal)
        : base(id) => (_input, _output, _terminal) = (input, output, terminal);

    /// <inheritdoc/>
    public override string FileName => "stdio";

    /// <inheritdoc/>
    public override ValueTask<Stream?> ConnectAsync()
    {
        if (_given) return NeverAsync();
        _given = true;
        // A read of standard input can't be called off, so that it has a thread that may be left behind.
        new Thread(Read) { Name = "standard input", IsBackground = true }.Start();
        return new(new QueueStream(_typed.Reader, _output.Write, Ended));
    }

    /// <inheritdoc/>
    protected override void Close() => _terminal?.Dispose();

    private void Read()
    {
        try
        {
            byte[] buffer = new byte[ChunkSize];
            while (_input.Read(buffer) is var count and > 0) _typed.Writer.WriteAsync(buffer.AsMemory(0, count).ToArray(), Ended).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The terminal hung up, or the device ended.
        }
    }
}
