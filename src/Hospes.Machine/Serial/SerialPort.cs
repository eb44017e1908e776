namespace Hospes.Machine;

using static SerialRegisters;

/// <summary>
/// The 16550A serial port of a PC (PC16550D data sheet). Characters leave as soon as the sink's buffer has room for them, whatever the
/// divisor; input waits outside the FIFO until the guest listens, so that a driver's reset of the FIFO does not eat what was typed early.
/// Thread-safe.
/// </summary>
public sealed class SerialPort : IIoDevice, IInputPort
{
    private const int FifoSize = 16;

    /// <summary>So many looks at the status of an idle line with nothing else between mean that the guest polls for input.</summary>
    private const int PollingReads = 64;

    private readonly Lock _gate = new();
    private readonly InterruptLine _line;
    private readonly SerialOutput _output;
    private readonly SerialInput _input = new();
    private readonly byte[] _fifo = new byte[FifoSize];
    private int _fifoStart;
    private int _fifoCount;
    private ushort _divisor = 12;
    private byte _interruptEnable;
    private byte _fifoControl;
    private byte _lineControl;
    private byte _modemControl;
    private byte _modemChanges;
    private byte _scratch;
    private bool _overrun;
    private bool _transmitterPending;
    private bool _polls;
    private bool _inputWasFull;
    private int _statusReads;

    internal SerialPort(InterruptLine line, SerialOutput output)
    {
        _line = line;
        _output = output;
        _output.RoomMade = OnRoomMade;
    }

    /// <summary>Called on a vCPU's thread when input that was refused for lack of room can be offered again. Must not block.</summary>
    public Action? InputWanted { get; set; }

    /// <inheritdoc/>
    int IIoDevice.MaxAccess => 1;

    /// <summary>Offers input to the guest. Any thread.</summary>
    /// <param name="bytes">The bytes, in order.</param>
    /// <returns>How many were taken; the rest is to be offered again after <see cref="InputWanted"/>.</returns>
    public int Offer(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            int taken = _input.Put(bytes);
            if (taken < bytes.Length) _inputWasFull = true;
            Receive();
            return taken;
        }
    }

    /// <inheritdoc/>
    uint IIoDevice.Read(ushort port, int size)
    {
        bool wanted;
        uint value;
        lock (_gate)
        {
            int register = port & 7;
            if (register != LineStatus) _statusReads = 0;
            value = register switch
            {
                Data => HasDivisor ? (byte)_divisor : ReadData(),
                InterruptEnable => HasDivisor ? (byte)(_divisor >> 8) : _interruptEnable,
                InterruptIdentity => ReadIdentity(),
                LineControl => _lineControl,
                ModemControl => _modemControl,
                LineStatus => ReadLineStatus(),
                ModemStatus => ReadModemStatus(),
                _ => _scratch,
            };
            wanted = TakeWanted();
        }
        if (wanted) InputWanted?.Invoke();
        return value;
    }

    /// <inheritdoc/>
    void IIoDevice.Write(ushort port, int size, uint value)
    {
        bool wanted;
        lock (_gate)
        {
            _statusReads = 0;
            byte data = (byte)value;
            switch (port & 7)
            {
                case Data:
                    if (HasDivisor) _divisor = (ushort)(_divisor & 0xFF00 | data);
                    else WriteData(data);
                    break;
                case InterruptEnable:
                    if (HasDivisor) _divisor = (ushort)(_divisor & 0xFF | data << 8);
                    else WriteInterruptEnable(data);
                    break;
                case FifoControl:
                    WriteFifoControl(data);
                    break;
                case LineControl:
                    _lineControl = data;
                    break;
                case ModemControl:
                    WriteModemControl(data);
                    break;
                case Scratch:
                    _scratch = data;
                    break;
            }
            Receive();
            wanted = TakeWanted();
        }
        if (wanted) InputWanted?.Invoke();
    }

    private bool HasDivisor => (_lineControl & DivisorAccess) != 0;

    private bool IsLooped => (_modemControl & Loopback) != 0;

    private int FifoRoom => ((_fifoControl & FifoEnable) != 0 ? FifoSize : 1) - _fifoCount;

    /// <summary>The character count at which received data interrupts (FCR bits 6 and 7).</summary>
    private int Trigger => (_fifoControl & FifoEnable) == 0 ? 1 : (_fifoControl >> 6) switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 };

    private byte ReadData()
    {
        byte value = 0;
        if (_fifoCount > 0)
        {
            value = _fifo[_fifoStart];
            _fifoStart = (_fifoStart + 1) % FifoSize;
            _fifoCount--;
        }
        Receive();
        return value;
    }

    private void WriteData(byte value)
    {
        _transmitterPending = false;
        if (IsLooped)
        {
            if (FifoRoom > 0) Push(value);
            else _overrun = true;
        }
        else
        {
            _output.Write(value);
        }
        // The character is gone at once, so the holding register is empty again unless the sink is behind.
        _transmitterPending = IsLooped || _output.HasRoom;
    }

    private void WriteInterruptEnable(byte value)
    {
        byte before = _interruptEnable;
        _interruptEnable = (byte)(value & 0x0F);
        _polls = false;
        // Enabling the interrupt of an empty transmitter raises it: drivers start their output with this.
        if ((before & EnableTransmitter) == 0 && (value & EnableTransmitter) != 0) _transmitterPending = IsLooped || _output.HasRoom;
    }

    private void WriteFifoControl(byte value)
    {
        bool switched = ((value ^ _fifoControl) & FifoEnable) != 0;
        _fifoControl = (byte)((value & FifoEnable) != 0 ? value & 0xC9 : 0);
        if (switched || (value & FifoClearReceiver) != 0) _fifoCount = 0;
    }

    private void WriteModemControl(byte value)
    {
        byte before = ModemLevels();
        _modemControl = (byte)(value & 0x1F);
        byte after = ModemLevels();
        byte changed = (byte)((before ^ after) & (ClearToSend | DataSetReady | Carrier));
        _modemChanges |= (byte)(changed >> 4);
        if ((before & Ring) != 0 && (after & Ring) == 0) _modemChanges |= RingEnded;
    }

    private byte ReadIdentity()
    {
        byte identity = Identity();
        if (identity == TransmitterPending)
        {
            _transmitterPending = false;
            UpdateLine();
        }
        return (byte)(identity | ((_fifoControl & FifoEnable) != 0 ? FifosOn : 0));
    }

    private byte ReadLineStatus()
    {
        bool isIdle = IsLooped || _output.HasRoom;
        if (isIdle && !_polls && ++_statusReads >= PollingReads)
        {
            _polls = true;
            Receive();
        }
        int status = _fifoCount > 0 ? DataReady : 0;
        if (_overrun) status |= Overrun;
        if (isIdle) status |= HoldingEmpty | TransmitterEmpty;
        _overrun = false;
        UpdateLine();
        return (byte)status;
    }

    private byte ReadModemStatus()
    {
        byte status = (byte)(ModemLevels() | _modemChanges);
        _modemChanges = 0;
        UpdateLine();
        return status;
    }

    /// <summary>The other side is always there; in loop-back the port sees its own outputs (PC16550D, 8.6.7).</summary>
    private byte ModemLevels()
    {
        if (!IsLooped) return ClearToSend | DataSetReady | Carrier;
        int levels = 0;
        if ((_modemControl & RequestToSend) != 0) levels |= ClearToSend;
        if ((_modemControl & TerminalReady) != 0) levels |= DataSetReady;
        if ((_modemControl & Output1) != 0) levels |= Ring;
        if ((_modemControl & Output2) != 0) levels |= Carrier;
        return (byte)levels;
    }

    private byte Identity()
    {
        if ((_interruptEnable & EnableLineStatus) != 0 && _overrun) return LineStatusPending;
        if ((_interruptEnable & EnableReceived) != 0 && _fifoCount > 0) return _fifoCount >= Trigger ? ReceivedPending : TimeoutPending;
        if ((_interruptEnable & EnableTransmitter) != 0 && _transmitterPending) return TransmitterPending;
        if ((_interruptEnable & EnableModemStatus) != 0 && _modemChanges != 0) return ModemPending;
        return NonePending;
    }

    /// <summary>Moves waiting input into the FIFO and sets the interrupt line as the registers now ask for.</summary>
    private void Receive()
    {
        bool interrupts = (_interruptEnable & EnableReceived) != 0 && (_modemControl & Output2) != 0;
        if ((interrupts || _polls) && !IsLooped)
        {
            while (_input.Count > 0 && FifoRoom > 0) Push(_input.Take());
        }
        UpdateLine();
    }

    private void Push(byte value) => _fifo[(_fifoStart + _fifoCount++) % FifoSize] = value;

    private void UpdateLine() => _line.Set((_modemControl & Output2) != 0 && !IsLooped && Identity() != NonePending);

    private bool TakeWanted()
    {
        if (!_inputWasFull || _input.Count > SerialInput.Capacity / 2) return false;
        _inputWasFull = false;
        return true;
    }

    private void OnRoomMade()
    {
        lock (_gate)
        {
            _transmitterPending = true;
            UpdateLine();
        }
    }
}
