namespace Hospes.Machine;

/// <summary>
/// The wires from devices to the I/O APIC, and for the first sixteen to the pair of 8259s. Thread-safe. Order of locks: a device's own,
/// this, a controller's, the engine's; none of them calls back.
/// </summary>
internal sealed class InterruptRouter(IoApic ioApic, PicPair pics)
{
    private readonly Lock _gate = new();
    private readonly int[] _holders = new int[IoApic.Pins];

    /// <summary>Makes an end of a line for a device.</summary>
    /// <param name="gsi">The global system interrupt: 0 to 23.</param>
    public InterruptLine Line(int gsi) => new(this, gsi);

    internal void Set(InterruptLine line, bool asserted)
    {
        lock (_gate)
        {
            if (line.IsAsserted == asserted) return;
            line.IsAsserted = asserted;
            int holders = _holders[line.Gsi] += asserted ? 1 : -1;
            if (holders != (asserted ? 1 : 0)) return;
            ioApic.SetPin(line.Gsi, asserted);
            if (line.Gsi < PicPair.Lines) pics.SetLine(line.Gsi, asserted);
        }
    }
}
