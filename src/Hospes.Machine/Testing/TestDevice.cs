namespace Hospes.Machine;

/// <summary>
/// The ports of QEMU's <c>pc-testdev</c>, for the kvm-unit-tests kernels: storage that gives back what was written, and a port for each
/// interrupt line. Thread-safe.
/// </summary>
internal sealed class TestDevice : IIoDevice
{
    /// <summary>Ports of storage.</summary>
    public const int StoragePorts = 12;

    private readonly Lock _gate = new();
    private readonly byte[] _storage = new byte[StoragePorts];
    private readonly InterruptLine[] _lines;

    public TestDevice(InterruptRouter router) => _lines = [.. Enumerable.Range(0, IoApic.Pins).Select(router.Line)];

    /// <inheritdoc/>
    public int MaxAccess => 4;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        if (port >= PortMap.TestLines) return 0;
        int at = port - PortMap.TestStorage;
        uint value = 0;
        lock (_gate)
        {
            for (int i = 0; i < size; i++) value |= (at + i < StoragePorts ? _storage[at + i] : 0xFFu) << (i * 8);
        }
        return value;
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port >= PortMap.TestLines)
        {
            _lines[port - PortMap.TestLines].Set((value & 0xFF) != 0);
            return;
        }
        int at = port - PortMap.TestStorage;
        lock (_gate)
        {
            for (int i = 0; i < size && at + i < StoragePorts; i++) _storage[at + i] = (byte)(value >> (i * 8));
        }
    }
}
