using System.Buffers.Binary;
using System.Text;

namespace Hospes.Virtio;

using static InputLayout;

/// <summary>
/// An input device (virtio 1.2, 5.8): events that people cause, for the driver. Groups wait in the device until the driver has buffers; a driver
/// that gives none loses the latest ones, presses of keys before releases, so that no key stays down.
/// </summary>
public sealed class InputDevice : VirtioDevice
{
    /// <summary>How many events wait at most.</summary>
    public const int MostWaiting = 1024;

    /// <summary>The vendor of QEMU's devices, and the version (5.8.5.1); the bus is Linux's BUS_VIRTUAL.</summary>
    private const ushort Bus = 6, Vendor = 0x0627, Version = 1;

    private const int LightBits = 0x07;

    private readonly InputModel _model;
    private readonly Lock _gate = new();
    private readonly InputEvent[] _waiting = new InputEvent[MostWaiting];
    private readonly byte[] _bytes = new byte[EventSize];
    private readonly byte[] _answer = new byte[ConfigBytes - Size];
    private readonly Lock _questionGate = new();
    private byte _select, _subselect;
    private int _first, _count, _lights;
    private bool _isRunning;

    /// <summary>Makes the device.</summary>
    /// <param name="model">What it has.</param>
    public InputDevice(InputModel model)
        : base(VirtioKind.Input, model.PciClass, Queues, ConfigBytes) => _model = model;

    /// <summary>What it has.</summary>
    public InputModel Model => _model;

    /// <inheritdoc/>
    public override ulong Features => 0;

    /// <summary>The lights that the driver turned on: bit 0 for Num Lock, 1 for Caps Lock, 2 for Scroll Lock.</summary>
    public int Lights => Volatile.Read(ref _lights);

    /// <summary>Told of other <see cref="Lights"/>, on the device's thread. It must not block.</summary>
    public Action<int>? LightsChanged { get; set; }

    /// <inheritdoc/>
    public override int QueueSize(int queue) => 64;

    /// <summary>Gives the driver a group of events; what closes the group is added. Any thread.</summary>
    /// <param name="group">The events, of those that the device has.</param>
    /// <returns>False when no driver runs, or too many events wait.</returns>
    public bool Offer(ReadOnlySpan<InputEvent> group)
    {
        bool presses = false;
        foreach (InputEvent at in group) presses |= at is { Type: InputEventType.Key, Value: not 0 };
        lock (_gate)
        {
            if (!_isRunning || group.Length >= (presses ? MostWaiting / 2 : MostWaiting) - _count) return false;
            foreach (InputEvent at in group) Put(at);
            Put(default);
        }
        RequestService(Events);
        return true;
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features)
    {
        lock (_gate) _isRunning = true;
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        lock (_gate)
        {
            _isRunning = false;
            _count = 0;
        }
        SetLights(0);
    }

    /// <inheritdoc/>
    protected internal override void ConfigWritten(int offset, int size, ulong value)
    {
        // Both halves of the question may come in one write; whatever else a driver writes has no meaning.
        if (offset > Subselect) return;
        lock (_questionGate)
        {
            for (int i = 0; i < size && offset + i <= Subselect; i++)
            {
                byte part = (byte)(value >> (8 * i));
                if (offset + i == Select) _select = part;
                else _subselect = part;
            }
            Array.Clear(_answer);
            _answer[0] = (byte)Answer(_answer.AsSpan(Data - Size));
            SetConfig(Select, _select | ((ulong)_subselect << 8), 2);
            SetConfig(Size, _answer);
        }
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } buffers) return;
        if (queue == Events) Deliver(buffers);
        else Take(buffers);
    }

    /// <summary>Answers the question that was asked (5.8.5).</summary>
    /// <returns>How many bytes the answer has; 0 for what the device does not have.</returns>
    private int Answer(Span<byte> data)
    {
        switch (_select)
        {
            case Name when _subselect == 0:
                return Encoding.ASCII.GetBytes(_model.Name, data);
            case Identity when _subselect == 0:
                ReadOnlySpan<ushort> identity = [Bus, Vendor, _model.Product, Version];
                for (int i = 0; i < identity.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(data[(2 * i)..], identity[i]);
                return 2 * identity.Length;
            case EventBits when _model.Codes.TryGetValue((InputEventType)_subselect, out IReadOnlyList<ushort>? codes):
                // A type without codes of its own is told by an empty byte.
                int most = 0;
                foreach (ushort code in codes)
                {
                    data[code / 8] |= (byte)(1 << (code % 8));
                    most = Math.Max(most, code / 8);
                }
                return most + 1;
            case AxisInfo when _model.Has(InputEventType.Absolute, _subselect):
                BinaryPrimitives.WriteUInt32LittleEndian(data[4..], InputModel.AxisEnd);
                return 5 * sizeof(uint);
            default:
                return 0;
        }
    }

    private void Put(InputEvent at) => _waiting[(_first + _count++) % MostWaiting] = at;

    private bool TryPeek(out InputEvent next)
    {
        lock (_gate)
        {
            next = _count > 0 ? _waiting[_first] : default;
            return _count > 0;
        }
    }

    private void Drop()
    {
        lock (_gate)
        {
            _first = (_first + 1) % MostWaiting;
            _count--;
        }
    }

    private void Deliver(VirtQueue buffers)
    {
        do
        {
            buffers.StopNotifications();
            while (TryPeek(out InputEvent next) && buffers.TryTake(out DescriptorChain? chain))
            {
                BinaryPrimitives.WriteUInt16LittleEndian(_bytes, (ushort)next.Type);
                BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(2), next.Code);
                BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(4), next.Value);
                bool fits = chain.Write(0, _bytes);
                buffers.Complete(chain, fits ? (uint)EventSize : 0);
                if (!fits) return;
                Drop();
            }
            Signal(Events, buffers);
        }
        while (TryPeek(out _) && buffers.StartNotifications());
    }

    private void Take(VirtQueue buffers)
    {
        do
        {
            buffers.StopNotifications();
            while (buffers.TryTake(out DescriptorChain? chain))
            {
                if (chain.ReadableBytes >= EventSize && chain.Read(0, _bytes)) TakeState();
                buffers.Complete(chain, 0);
            }
            Signal(States, buffers);
        }
        while (buffers.StartNotifications());
    }

    private void TakeState()
    {
        if (BinaryPrimitives.ReadUInt16LittleEndian(_bytes) != (ushort)InputEventType.Led) return;
        int light = 1 << Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(2)), 31) & LightBits;
        SetLights(BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(4)) != 0 ? _lights | light : _lights & ~light);
    }

    private void SetLights(int lights)
    {
        if (Interlocked.Exchange(ref _lights, lights) != lights) LightsChanged?.Invoke(lights);
    }
}
