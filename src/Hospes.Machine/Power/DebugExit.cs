namespace Hospes.Machine;

/// <summary>A port that ends the run with a number, for test kernels.</summary>
/// <param name="end">Ends the run with the number.</param>
internal sealed class DebugExit(Action<uint> end) : IIoDevice
{
    /// <summary>How many ports it takes.</summary>
    public const int PortCount = 4;

    /// <inheritdoc/>
    public int MaxAccess => 4;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => 0;

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value) => end(value);
}
