using System.Buffers.Binary;

namespace Hospes.Machine;

/// <summary>
/// QEMU's firmware configuration interface at ports 0x510 and 0x511: a selector and a stream of bytes, without DMA. It answers what test
/// kernels ask for; other items, and bytes behind an item's end, read as 0. Thread-safe.
/// </summary>
internal sealed class FirmwareConfig : IIoDevice
{
    /// <summary>The items: signature, interface version, RAM size, processors, the most processors.</summary>
    public const ushort Signature = 0x00, Version = 0x01, RamSize = 0x03, Processors = 0x05, MaximumProcessors = 0x0F;

    private readonly Lock _gate = new();
    private readonly Dictionary<ushort, byte[]> _items;
    private byte[] _item = [];
    private int _at;

    public FirmwareConfig(MachineConfig config)
    {
        byte[] processors = Number((ulong)config.Vcpus, 2);
        _items = new()
        {
            [Signature] = "QEMU"u8.ToArray(),
            [Version] = Number(1, 4),
            [RamSize] = Number(config.Memory, 8),
            [Processors] = processors,
            [MaximumProcessors] = processors,
        };
    }

    /// <inheritdoc/>
    public int MaxAccess => 2;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        if (port == PortMap.FirmwareConfig) return 0;
        lock (_gate) return _at < _item.Length ? _item[_at++] : 0u;
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port != PortMap.FirmwareConfig) return;
        lock (_gate)
        {
            _item = _items.GetValueOrDefault((ushort)value, []);
            _at = 0;
        }
    }

    private static byte[] Number(ulong value, int size)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes[..size];
    }
}
