namespace Hospes.Machine;

/// <summary>One device's end of an interrupt line. Several devices may share the line: it is high while any of them holds it.</summary>
internal sealed class InterruptLine(InterruptRouter router, int gsi)
{
    private volatile bool _isAsserted;

    /// <summary>The global system interrupt that the line is.</summary>
    public int Gsi => gsi;

    /// <summary>Whether this end holds the line. Written by the router, under its lock.</summary>
    public bool IsAsserted
    {
        get => _isAsserted;
        set => _isAsserted = value;
    }

    /// <summary>Holds the line or lets it go. Any thread; doing it again changes nothing, and costs no lock.</summary>
    public void Set(bool asserted)
    {
        if (_isAsserted != asserted) router.Set(this, asserted);
    }
}
