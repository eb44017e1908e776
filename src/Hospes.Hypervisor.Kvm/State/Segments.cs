using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>Segment registers between the contract's form and KVM's.</summary>
internal static class Segments
{
    private const uint Unusable = 1 << 16;

    public static SegmentState Out(in KvmSegment s) => new()
    {
        Selector = s.Selector,
        Base = s.Base,
        Limit = s.Limit,
        Attributes = (uint)(s.Type | s.S << 4 | s.Dpl << 5 | s.Present << 7 | s.Avl << 12 | s.L << 13 | s.Db << 14 | s.G << 15) | (s.Unusable != 0 ? Unusable : 0),
    };

    public static KvmSegment In(in SegmentState s) => new()
    {
        Selector = s.Selector,
        Base = s.Base,
        Limit = s.Limit,
        Type = (byte)(s.Attributes & 0xF),
        S = Bit(s, 4),
        Dpl = (byte)(s.Attributes >> 5 & 3),
        Present = Bit(s, 7),
        Avl = Bit(s, 12),
        L = Bit(s, 13),
        Db = Bit(s, 14),
        G = Bit(s, 15),
        Unusable = (byte)((s.Attributes & Unusable) != 0 || Bit(s, 7) == 0 ? 1 : 0),
    };

    private static byte Bit(in SegmentState s, int bit) => (byte)(s.Attributes >> bit & 1);
}
