namespace Hospes.Oracle.Native;

/// <summary>
/// The addresses at which a case sees its memory, and the layout of the region shared between this process and
/// the child that runs cases natively. The interpreter maps the same virtual addresses.
/// </summary>
internal static class SharedLayout
{
    public const int PageSize = 4096;

    /// <summary>Two executable pages, unmapped memory on either side. Filled with INT3 where no case stands.</summary>
    public const ulong CodeBase = 0x2000_0000;
    public const int CodeSize = 2 * PageSize;

    /// <summary>The data window: two writable pages, then one read-only page, unmapped memory on either side.</summary>
    public const ulong WindowBase = 0x2001_0000;
    public const int WindowSize = 2 * PageSize;
    public const ulong ReadOnlyBase = WindowBase + WindowSize;
    public const int ReadOnlySize = PageSize;

    /// <summary>Where the child keeps itself: far from any address that a case computes on purpose.</summary>
    public const ulong HarnessBase = 0x5A7E_C3D0_0000;
    public const ulong AlternateStackBase = 0x5A7E_C3E0_0000;
    public const int AlternateStackSize = 16 * PageSize;
    public const ulong SharedBase = 0x5A7F_0000_0000;

    // Offsets inside the shared region.
    public const int CodeOffset = 0;
    public const int ReadOnlyOffset = CodeSize;
    public const int ControlOffset = ReadOnlyOffset + ReadOnlySize;
    public const int SlotsOffset = ControlOffset + PageSize;

    // The control page.
    public const int ControlCount = 0;
    public const int ControlIndex = 8;
    public const int ControlRunning = 16;

    /// <summary>The byte that fills the code pages: INT3, so that every way out of a case is a trap.</summary>
    public const byte Filler = 0xCC;

    /// <summary>Bytes of code that one case may hold: 30 instructions of the longest kind.</summary>
    public const int MaxCodeLength = 480;
}
