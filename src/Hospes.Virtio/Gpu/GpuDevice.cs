using System.Buffers.Binary;

namespace Hospes.Virtio;

using static GpuLayout;

/// <summary>How a graphics adapter is to be.</summary>
/// <param name="HostMemory">Bytes of the host that the guest's pictures may take in all.</param>
/// <param name="HasEdid">Whether the driver may ask for EDID.</param>
public readonly record struct GpuSettings(ulong HostMemory = GpuSettings.UsualMemory, bool HasEdid = true)
{
    /// <summary>What QEMU's adapter has, too.</summary>
    public const ulong UsualMemory = 256UL << 20;
}

/// <summary>
/// The graphics adapter (virtio 1.2, 5.7) with its 2D commands: pictures that the guest copies into the device, and scanouts that show parts of
/// them. Whatever a driver says of places and sizes is checked in 64 bits against the picture first.
/// </summary>
public sealed partial class GpuDevice : VirtioDevice
{
    /// <summary>PCI class: display controller, other; QEMU has the same.</summary>
    private const uint ClassDisplay = 0x038000;

    /// <summary>Entries of one picture's backing; QEMU has the same limit.</summary>
    private const uint MostEntries = 16384;

    private const int LargestCommand = HeaderSize + TransferSize, EntriesAtOnce = 256;

    private readonly GpuSettings _settings;
    private readonly IGpuOutput[] _outputs;
    private readonly Scanout[] _scanouts;
    private readonly Dictionary<uint, GpuResource> _resources = [];
    private readonly byte[] _command = new byte[LargestCommand];
    private readonly byte[] _answer = new byte[EdidAnswer];
    private readonly byte[] _entries = new byte[EntriesAtOnce * EntrySize];
    private readonly Lock _eventGate = new();
    private byte[] _row = [];
    private ulong _used;
    private uint _events;

    /// <summary>Makes the device.</summary>
    /// <param name="settings">How it is to be.</param>
    /// <param name="outputs">Where the pictures of the scanouts go: one for each, up to <see cref="MostScanouts"/>; not owned.</param>
    public GpuDevice(GpuSettings settings, params IReadOnlyList<IGpuOutput> outputs)
        : base(VirtioKind.Gpu, ClassDisplay, Queues, ConfigBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(outputs.Count, MostScanouts);
        _settings = settings;
        _outputs = [.. outputs];
        _scanouts = new Scanout[outputs.Count];
        SetConfig(ScanoutCount, (uint)outputs.Count, 4);
    }

    /// <inheritdoc/>
    public override ulong Features => _settings.HasEdid ? FeatureEdid : 0;

    /// <summary>Bytes of the host that the guest's pictures take.</summary>
    public ulong Used => Volatile.Read(ref _used);

    /// <inheritdoc/>
    public override int QueueSize(int queue) => queue == Control ? 256 : 16;

    /// <summary>Tells the driver that <see cref="IGpuOutput.Mode"/> of an output is another one. Any thread.</summary>
    public void ModeChanged()
    {
        lock (_eventGate) SetConfig(EventsRead, _events |= DisplayEvent, 4);
        NotifyConfig();
    }

    /// <inheritdoc/>
    protected internal override void ConfigWritten(int offset, int size, ulong value)
    {
        if (offset != EventsClear || size != 4) return;
        lock (_eventGate) SetConfig(EventsRead, _events &= ~(uint)value, 4);
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        for (int i = 0; i < _scanouts.Length; i++)
        {
            Blank(i);
            _outputs[i].SetCursor([], 0, 0);
        }
        _resources.Clear();
        Volatile.Write(ref _used, 0);
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } commands) return;
        do
        {
            commands.StopNotifications();
            while (commands.TryTake(out DescriptorChain? chain))
            {
                int length = (int)Math.Min(chain.ReadableBytes, LargestCommand);
                Array.Clear(_command);
                if (!chain.Read(0, _command.AsSpan(0, length))) return;
                int answered = length < HeaderSize ? Answer(GpuAnswer.Unspecified) : queue == Control ? Execute(chain, length) : ExecuteCursor(length);
                // A driver that has no room for an answer gets what it has room for.
                int written = (int)Math.Min((uint)answered, chain.WritableBytes);
                commands.Complete(chain, chain.Write(0, _answer.AsSpan(0, written)) ? (uint)written : 0);
            }
            Signal(queue, commands);
        }
        while (commands.StartNotifications());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => Stopped();

    private uint Field(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_command.AsSpan(HeaderSize + at));

    private GpuRectangle Rectangle() => new(Field(0), Field(4), Field(8), Field(12));

    /// <summary>Begins an answer, with the fence of the command (5.7.6.7).</summary>
    /// <returns>Its bytes so far.</returns>
    private int Answer(GpuAnswer type)
    {
        Array.Clear(_answer);
        BinaryPrimitives.WriteUInt32LittleEndian(_answer, (uint)type);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(_command.AsSpan(FlagsAt));
        if ((flags & FlagFence) == 0) return HeaderSize;
        BinaryPrimitives.WriteUInt32LittleEndian(_answer.AsSpan(FlagsAt), FlagFence);
        _command.AsSpan(FenceAt, HeaderSize - FenceAt).CopyTo(_answer.AsSpan(FenceAt));
        return HeaderSize;
    }

    private int Execute(DescriptorChain chain, int length)
    {
        var command = (GpuCommand)BinaryPrimitives.ReadUInt32LittleEndian(_command);
        int body = command switch
        {
            GpuCommand.GetDisplayInfo => 0,
            GpuCommand.ResourceCreate2D => CreateSize,
            GpuCommand.SetScanout => ScanoutSize,
            GpuCommand.ResourceFlush => FlushSize,
            GpuCommand.TransferToHost2D => TransferSize,
            _ => ReferenceSize,
        };
        if (length < HeaderSize + body) return Answer(GpuAnswer.Unspecified);
        return command switch
        {
            GpuCommand.GetDisplayInfo => TellDisplays(),
            GpuCommand.GetEdid when _settings.HasEdid => TellEdid(),
            GpuCommand.ResourceCreate2D => Answer(Create(Field(0), (GpuFormat)Field(4), Field(8), Field(12))),
            GpuCommand.ResourceUnref => Answer(Unref(Field(0))),
            GpuCommand.SetScanout => Answer(SetScanout(Rectangle(), Field(RectangleSize), Field(RectangleSize + 4))),
            GpuCommand.ResourceFlush => Answer(Flush(Rectangle(), Field(RectangleSize))),
            GpuCommand.TransferToHost2D => Answer(Transfer(Rectangle(), Field(RectangleSize) | ((ulong)Field(RectangleSize + 4) << 32), Field(RectangleSize + 8))),
            GpuCommand.ResourceAttachBacking => Answer(Attach(chain, Field(0), Field(4))),
            GpuCommand.ResourceDetachBacking => Answer(Detach(Field(0))),
            _ => Answer(GpuAnswer.Unspecified),
        };
    }

    private int TellDisplays()
    {
        int at = Answer(GpuAnswer.DisplayInfo);
        foreach (IGpuOutput output in _outputs)
        {
            if (output.Mode is var (width, height))
            {
                BinaryPrimitives.WriteInt32LittleEndian(_answer.AsSpan(at + 8), width);
                BinaryPrimitives.WriteInt32LittleEndian(_answer.AsSpan(at + 12), height);
                _answer[at + RectangleSize] = 1;
            }
            at += DisplaySize;
        }
        return HeaderSize + (MostScanouts * DisplaySize);
    }

    private int TellEdid()
    {
        uint number = Field(0);
        if (number >= (uint)_outputs.Length) return Answer(GpuAnswer.InvalidScanout);
        int at = Answer(GpuAnswer.Edid);
        if (_outputs[number].Mode is not var (width, height)) return EdidAnswer;
        BinaryPrimitives.WriteInt32LittleEndian(_answer.AsSpan(at), Edid.Size);
        Edid.Build(width, height, (int)number + 1).CopyTo(_answer, at + 8);
        return EdidAnswer;
    }

    /// <summary>A picture's part that is shown; nothing while there is none.</summary>
    private readonly record struct Scanout(GpuResource? Resource, GpuRectangle Part)
    {
        /// <summary>Bytes of the copy that is shown.</summary>
        public ulong Cost => GpuResource.PixelCost(Part.Width, Part.Height);
    }
}
