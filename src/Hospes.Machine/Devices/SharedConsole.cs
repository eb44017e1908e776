using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>Lets the serial port and a virtio console write to one sink, one at a time.</summary>
internal sealed class SharedConsole(IConsoleSink sink) : IConsoleSink, IConsoleBackend
{
    private readonly Lock _gate = new();

    /// <inheritdoc cref="IConsoleSink.Write"/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate) sink.Write(bytes);
    }
}
