namespace Hospes.Machine;

/// <summary>
/// The two 8259As of a PC, the slave on the master's line 2. No firmware runs here, so they start as a PC's firmware leaves them: vectors
/// from 0x08 and 0x70, every line masked but the cascade and line 11, which kernels that run in real mode use. Thread-safe.
/// </summary>
/// <param name="setOutput">Told the level of the output. Called without any lock of this class.</param>
internal sealed class PicPair(Action<bool> setOutput) : IIoDevice
{
    /// <summary>How many lines the pair has, the cascade among them.</summary>
    public const int Lines = 16;

    private const int Cascade = 2;

    private readonly Lock _gate = new();
    private readonly Pic8259 _master = new(0x08, 0xFB, 0xF8) { IsMaster = true };
    private readonly Pic8259 _slave = new(0x70, 0xF7, 0xDE);
    private volatile bool _output;
    private volatile bool _told;

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <summary>Changes an input line.</summary>
    public void SetLine(int line, bool asserted)
    {
        if (line == Cascade) return;
        lock (_gate)
        {
            if (line < 8) _master.SetLine(line, asserted);
            else _slave.SetLine(line - 8, asserted);
            Update();
        }
        Publish();
    }

    /// <summary>The INTA cycle.</summary>
    /// <returns>The vector of the most urgent line, or of line 7 when none waits (8259A, "Interrupt Sequence").</returns>
    public byte Acknowledge()
    {
        byte vector;
        lock (_gate)
        {
            int line = _master.Pending();
            if (line < 0)
            {
                vector = _master.VectorOf(7);
            }
            else
            {
                vector = _master.Acknowledge(line);
                if (line == Cascade)
                {
                    int slaveLine = _slave.Pending();
                    vector = slaveLine < 0 ? _slave.VectorOf(7) : _slave.Acknowledge(slaveLine);
                }
            }
            Update();
        }
        Publish();
        return vector;
    }

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        uint value;
        lock (_gate)
        {
            value = port switch
            {
                PortMap.PicMaster => _master.ReadCommand(),
                PortMap.PicMaster + 1 => _master.ReadMask(),
                PortMap.PicSlave => _slave.ReadCommand(),
                PortMap.PicSlave + 1 => _slave.ReadMask(),
                PortMap.PicEdgeLevel => _master.EdgeLevel,
                PortMap.PicEdgeLevel + 1 => _slave.EdgeLevel,
                _ => 0xFF,
            };
            Update();
        }
        Publish();
        return value;
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        lock (_gate)
        {
            byte data = (byte)value;
            switch (port)
            {
                case PortMap.PicMaster:
                    _master.WriteCommand(data);
                    break;
                case PortMap.PicMaster + 1:
                    _master.WriteData(data);
                    break;
                case PortMap.PicSlave:
                    _slave.WriteCommand(data);
                    break;
                case PortMap.PicSlave + 1:
                    _slave.WriteData(data);
                    break;
                case PortMap.PicEdgeLevel:
                    _master.EdgeLevel = data;
                    break;
                case PortMap.PicEdgeLevel + 1:
                    _slave.EdgeLevel = data;
                    break;
            }
            Update();
        }
        Publish();
    }

    private void Update()
    {
        _master.SetLine(Cascade, _slave.Pending() >= 0);
        _output = _master.Pending() >= 0;
    }

    /// <summary>Tells the output's level until what was told is what it is. The engine may ask for the vector under a lock of its own, so none
    /// of ours is held here; of two threads that tell at once, the later one looks again.</summary>
    private void Publish()
    {
        bool level = _output;
        if (level == _told) return;
        do
        {
            level = _output;
            _told = level;
            setOutput(level);
        }
        while (level != _output);
    }
}
