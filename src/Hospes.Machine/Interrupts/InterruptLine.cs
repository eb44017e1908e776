namespace Hospes.Machine;

/// <summary>One device's end of an interrupt line. Several devices may share the line: it is high while any of them holds it.</summary>
internal sealed class InterruptLine(InterruptRouter router, int gsi)
{
    /// <summary>The global system interrupt that the line is.</summary>
    public int Gsi => gsi;

    /// <summary>Whether this end holds the line. Guarded by the router.</summary>
    public bool IsAsserted { get; set; }

    /// <summary>Holds the line or lets it go. Any thread; doing it again changes nothing.</summary>
    public void Set(bool asserted) => router.Set(this, asserted);
}
