namespace Hospes.Machine;

/// <summary>Where the bytes go that a guest writes to its serial port.</summary>
public interface IConsoleSink
{
    /// <summary>Takes bytes. Called by one thread at a time, never by a vCPU's; it may block, and the guest then finds its transmitter busy.</summary>
    /// <param name="bytes">What the guest wrote; valid during the call.</param>
    void Write(ReadOnlySpan<byte> bytes);
}
