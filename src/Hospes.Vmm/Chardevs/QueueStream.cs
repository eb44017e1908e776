using System.Threading.Channels;

namespace Hospes.Vmm.Chardevs;

/// <summary>A stream that reads pieces of input from a queue and writes by a call.</summary>
/// <param name="input">The pieces.</param>
/// <param name="write">Takes output; throws <see cref="IOException"/> when nobody is there.</param>
/// <param name="ended">Ends the reading: 0 from then on.</param>
internal sealed class QueueStream(ChannelReader<ReadOnlyMemory<byte>> input, QueueStream.Writer write, CancellationToken ended) : DuplexStream
{
    private ReadOnlyMemory<byte> _rest;

    /// <summary>Takes output.</summary>
    public delegate void Writer(ReadOnlySpan<byte> bytes);

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, cancellationToken);
        try
        {
            if (_rest.IsEmpty) _rest = await input.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => write(buffer);
}
