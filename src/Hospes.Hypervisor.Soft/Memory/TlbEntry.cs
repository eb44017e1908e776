using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>
/// One entry of a direct-mapped TLB, 32 bytes. A tag is the linear page address for which that kind of access may go straight to
/// <c>linear + Addend</c>, or <see cref="Invalid"/>. An access compares the page of its <em>last</em> byte with the tag found under the page
/// of its first, so that one comparison also sends accesses that cross a page to the slow path.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct TlbEntry
{
    public const ulong Invalid = ulong.MaxValue;

    public const int Bits = 10;

    public const int Count = 1 << Bits;

    public const ulong PageMask = ~0xFFFUL;

    public ulong Read;
    public ulong Write;
    public ulong Execute;
    public ulong Addend;
}
