namespace Hospes.Machine;

/// <summary>Where the bytes go that a guest writes to its serial port.</summary>
public interface IConsoleSink
{
    /// <summary>Takes bytes. Called by one thread at a time, never by a vCPU's; it may block, and the guest then finds its transmitter busy.
    /// It does not throw: a sink whose other end is gone drops the bytes.</summary>
    /// <param name="bytes">What the guest wrote; valid during the call.</param>
    void Write(ReadOnlySpan<byte> bytes);
}
