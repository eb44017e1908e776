namespace Hospes.Machine;

/// <summary>The port through which a guest's kernel tells of its panic: QEMU's pvpanic device.</summary>
/// <param name="panicked">Ends the run.</param>
internal sealed class PanicNotice(Action panicked) : IIoDevice
{
    /// <summary>The kernel panicked, and nothing will follow; or it panicked and goes on into a crash kernel, which is its own affair.</summary>
    private const uint Panicked = 1, CrashLoaded = 2;

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => Panicked | CrashLoaded;

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if ((value & Panicked) != 0) panicked();
    }
}
