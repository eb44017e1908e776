using System.Text;

namespace Hospes.Virtio;

using static BlockLayout;

/// <summary>What a block device is made of.</summary>
public sealed record BlockSettings
{
    /// <summary>What the guest reads as the serial: up to 20 bytes of ASCII.</summary>
    public string Serial { get; init; } = "";

    /// <summary>Whether the guest is refused writes, even if the backend could take them.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How many queues it has, 1 to 16.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Bytes of a block that the guest is to read and write whole: 512 or 4096.</summary>
    public int BlockSize { get; init; } = 512;

    /// <summary>What lets requests begin; null for no limits. Not owned.</summary>
    public RequestGate? Gate { get; init; }
}

/// <summary>The block device (virtio 1.2, 5.2).</summary>
public sealed class BlockDevice : RequestDevice
{
    /// <summary>How many ranges a discard has at most, and sectors a range.</summary>
    internal const int MostRanges = 16, MostRangeSectors = 1 << 22;

    /// <summary>PCI class: SCSI mass storage, as QEMU has it.</summary>
    private const uint ClassStorage = 0x010000;

    private const int Entries = 256;

    private readonly BlockSettings _settings;
    private readonly byte[] _serial = new byte[SerialSize];
    private long _capacity;

    /// <summary>Makes the device.</summary>
    /// <param name="backend">Where its data are; not owned.</param>
    /// <param name="settings">What it is made of.</param>
    public BlockDevice(IBlockBackend backend, BlockSettings settings)
        : base(VirtioKind.Block, ClassStorage, Check(settings).Queues, ConfigBytes, disks: 1)
    {
        Backend = backend;
        _settings = settings;
        Encoding.ASCII.GetBytes(settings.Serial, _serial);
        SetConfig(SegmentsMaxField, Entries - 2, 4);
        SetConfig(BlockSizeField, (ulong)settings.BlockSize, 4);
        SetConfig(PhysicalBlockExponent, (ulong)int.Log2(4096 / settings.BlockSize), 1);
        SetConfig(Queues, (ulong)settings.Queues, 2);
        SetConfig(MaxDiscardSectors, MostRangeSectors, 4);
        SetConfig(MaxDiscardSegments, MostRanges, 4);
        SetConfig(DiscardAlignment, 8, 4);
        SetConfig(MaxZeroesSectors, MostRangeSectors, 4);
        SetConfig(MaxZeroesSegments, MostRanges, 4);
        SetConfig(ZeroesMayUnmap, 1, 1);
        ReadCapacity();
        Held = Hold(settings.Gate);
    }

    /// <inheritdoc/>
    public override ulong Features =>
        SegmentsMax | BlockSize | FlushCommand | Topology | (_settings.Queues > 1 ? MultiQueue : 0) | (IsReadOnly ? ReadOnly : DiscardCommand | WriteZeroesCommand);

    /// <summary>The capacity that the guest reads, in sectors of 512 bytes.</summary>
    public long Sectors => Volatile.Read(ref _capacity) / Sector;

    internal IBlockBackend Backend { get; }

    internal HeldRequests? Held { get; }

    internal bool IsReadOnly => _settings.IsReadOnly || Backend.IsReadOnly;

    internal bool IsWriteThrough { get; private set; }

    internal ReadOnlySpan<byte> Serial => _serial;

    /// <inheritdoc/>
    public override int QueueSize(int queue) => Entries;

    /// <summary>Tells the guest that the backend has another length now.</summary>
    public void CapacityChanged()
    {
        ReadCapacity();
        NotifyConfig();
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features) => IsWriteThrough = (features & FlushCommand) == 0;

    private protected override DeviceRequest MakeRequest() => new BlockRequest(this);

    /// <summary>Whether a stretch lies inside the disk and is made of sectors.</summary>
    internal bool IsInside(ulong sector, ulong length)
    {
        ulong sectors = (ulong)Volatile.Read(ref _capacity) / Sector;
        return length % Sector == 0 && sector <= sectors && length / Sector <= sectors - sector;
    }

    private static BlockSettings Check(BlockSettings settings)
    {
        if (settings.Queues is < 1 or > 16) throw new ArgumentOutOfRangeException(nameof(settings), "a block device has 1 to 16 queues");
        if (settings.BlockSize is not (512 or 4096)) throw new ArgumentOutOfRangeException(nameof(settings), "a block has 512 or 4096 bytes");
        if (settings.Serial.Length > SerialSize || !Ascii.IsValid(settings.Serial)) throw new ArgumentOutOfRangeException(nameof(settings), "a serial has up to 20 bytes of ASCII");
        return settings;
    }

    private void ReadCapacity()
    {
        long capacity = Backend.Length;
        Volatile.Write(ref _capacity, capacity);
        SetConfig(Capacity, (ulong)capacity / Sector, 8);
    }
}
