namespace Hospes.Machine;

/// <summary>One 8259A interrupt controller (Intel 8259A data sheet). Not thread-safe: <see cref="PicPair"/> guards it.</summary>
internal sealed class Pic8259
{
    private byte _mask;
    private byte _requests;
    private byte _inService;
    private byte _lines;
    private byte _levelTriggered;
    private byte _base;
    private int _lowest = 7;
    private int _initStep;
    private bool _needsIcw4;
    private bool _single;
    private bool _automaticEnd;
    private bool _rotateOnAutomaticEnd;
    private bool _specialMask;
    private bool _fullyNested;
    private bool _readInService;
    private bool _poll;

    /// <param name="vectorBase">The vector of line 0 until the guest programs another.</param>
    /// <param name="mask">The lines that are masked until the guest says otherwise.</param>
    /// <param name="writableEdgeLevel">The lines that can be made level-triggered.</param>
    public Pic8259(byte vectorBase, byte mask, byte writableEdgeLevel)
    {
        _base = vectorBase;
        _mask = mask;
        WritableEdgeLevel = writableEdgeLevel;
    }

    /// <summary>The lines whose trigger mode the guest can choose.</summary>
    public byte WritableEdgeLevel { get; }

    /// <summary>The edge/level control register: the lines that are level-triggered.</summary>
    public byte EdgeLevel
    {
        get => _levelTriggered;
        set => _levelTriggered = (byte)(value & WritableEdgeLevel);
    }

    /// <summary>Whether this is the master: its line 2 is the slave's output and follows it, whatever the trigger mode.</summary>
    public bool IsMaster { get; init; }

    /// <summary>Changes an input line.</summary>
    public void SetLine(int line, bool asserted)
    {
        byte bit = (byte)(1 << line);
        bool follows = (_levelTriggered & bit) != 0 || (IsMaster && line == 2);
        if (asserted)
        {
            if (follows || (_lines & bit) == 0) _requests |= bit;
            _lines |= bit;
        }
        else
        {
            if (follows) _requests &= (byte)~bit;
            _lines &= (byte)~bit;
        }
    }

    /// <summary>The line that the processor would be given now, or -1.</summary>
    public int Pending()
    {
        int request = Priority((byte)(_requests & ~_mask));
        if (request == 8) return -1;
        int inService = _inService;
        if (_specialMask) inService &= ~_mask;
        if (_fullyNested && IsMaster) inService &= ~4;
        return request < Priority((byte)inService) ? (request + _lowest + 1) & 7 : -1;
    }

    /// <summary>The INTA cycle for a line that <see cref="Pending"/> gave.</summary>
    /// <returns>The line's vector.</returns>
    public byte Acknowledge(int line)
    {
        byte bit = (byte)(1 << line);
        bool follows = (_levelTriggered & bit) != 0 || (IsMaster && line == 2);
        if (!follows) _requests &= (byte)~bit;
        if (!_automaticEnd) _inService |= bit;
        else if (_rotateOnAutomaticEnd) _lowest = line;
        return VectorOf(line);
    }

    /// <summary>The vector of a line; line 7's answers an INTA cycle that no line waits for.</summary>
    public byte VectorOf(int line) => (byte)(_base + line);

    public byte ReadCommand()
    {
        if (!_poll) return _readInService ? _inService : _requests;
        _poll = false;
        int line = Pending();
        if (line < 0) return 7;
        Acknowledge(line);
        return (byte)(0x80 | line);
    }

    public byte ReadMask() => _poll ? ReadCommand() : _mask;

    public void WriteCommand(byte value)
    {
        if ((value & 0x10) != 0) Initialize(value);
        else if ((value & 0x08) != 0) WriteOcw3(value);
        else WriteOcw2(value);
    }

    public void WriteData(byte value)
    {
        switch (_initStep)
        {
            case 0:
                _mask = value;
                break;
            case 1: // ICW2
                _base = (byte)(value & 0xF8);
                _initStep = _single ? (_needsIcw4 ? 3 : 0) : 2;
                break;
            case 2: // ICW3: how the pair is wired does not change.
                _initStep = _needsIcw4 ? 3 : 0;
                break;
            default: // ICW4
                _fullyNested = (value & 0x10) != 0;
                _automaticEnd = (value & 0x02) != 0;
                _initStep = 0;
                break;
        }
    }

    private void Initialize(byte icw1)
    {
        _needsIcw4 = (icw1 & 1) != 0;
        _single = (icw1 & 2) != 0;
        _initStep = 1;
        _mask = 0;
        _inService = 0;
        _requests &= _levelTriggered;
        _lowest = 7;
        _specialMask = _readInService = _poll = false;
        _automaticEnd = _fullyNested = _rotateOnAutomaticEnd = false;
    }

    private void WriteOcw3(byte value)
    {
        if ((value & 0x40) != 0) _specialMask = (value & 0x20) != 0;
        _poll = (value & 0x04) != 0;
        if (!_poll && (value & 0x02) != 0) _readInService = (value & 0x01) != 0;
    }

    private void WriteOcw2(byte value)
    {
        int line = value & 7;
        switch (value >> 5)
        {
            case 0: // Rotate in automatic end-of-interrupt mode: clear.
                _rotateOnAutomaticEnd = false;
                break;
            case 4: // Rotate in automatic end-of-interrupt mode: set.
                _rotateOnAutomaticEnd = true;
                break;
            case 1 or 5: // Non-specific end of interrupt, perhaps with rotation.
                int highest = Priority(_inService);
                if (highest == 8) break;
                line = (highest + _lowest + 1) & 7;
                _inService &= (byte)~(1 << line);
                if (value >> 5 == 5) _lowest = line;
                break;
            case 3 or 7: // Specific end of interrupt, perhaps with rotation.
                _inService &= (byte)~(1 << line);
                if (value >> 5 == 7) _lowest = line;
                break;
            case 6: // Set priority.
                _lowest = line;
                break;
        }
    }

    /// <summary>How far the most urgent of some lines is from the most urgent place: 0 to 7, or 8 for no line.</summary>
    private int Priority(byte lines)
    {
        for (int i = 0; i < 8; i++)
        {
            if ((lines & (1 << ((i + _lowest + 1) & 7))) != 0) return i;
        }
        return 8;
    }
}
