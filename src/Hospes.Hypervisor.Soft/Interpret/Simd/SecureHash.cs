using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>SHA1RNDS4: four rounds of SHA-1 (FIPS 180-4, 6.1.2). A, B, C, D from the top of the lane down.</summary>
internal readonly struct Sha1Rounds : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        uint wA = a.AsUInt32().GetElement(3), wB = a.AsUInt32().GetElement(2), wC = a.AsUInt32().GetElement(1), wD = a.AsUInt32().GetElement(0);
        uint wE = 0;
        uint constant = (immediate & 3) switch { 0 => 0x5A827999, 1 => 0x6ED9EBA1, 2 => 0x8F1BBCDC, _ => 0xCA62C1D6 };
        for (int i = 3; i >= 0; i--)
        {
            uint mixed = (immediate & 3) switch
            {
                0 => (wB & wC) ^ (~wB & wD),
                2 => (wB & wC) ^ (wB & wD) ^ (wC & wD),
                _ => wB ^ wC ^ wD,
            };
            // E is in the message's first word already (SHA1NEXTE).
            uint next = mixed + uint.RotateLeft(wA, 5) + b.AsUInt32().GetElement(i) + wE + constant;
            (wE, wD, wC, wB, wA) = (wD, wC, uint.RotateLeft(wB, 30), wA, next);
        }
        return Vector128.Create(wD, wC, wB, wA).AsByte();
    }
}

/// <summary>SHA1NEXTE: E after four rounds, added to the next message word.</summary>
internal readonly struct Sha1NextE : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        uint e = uint.RotateLeft(a.AsUInt32().GetElement(3), 30);
        return b.AsUInt32().WithElement(3, b.AsUInt32().GetElement(3) + e).AsByte();
    }
}

/// <summary>SHA1MSG1: the exclusive-ors of the message schedule that need no new word.</summary>
internal readonly struct Sha1Message1 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => a ^ Vector128.Create(b.GetUpper(), a.GetLower());
}

/// <summary>SHA1MSG2: the rest of the message schedule; the last word depends on the first.</summary>
internal readonly struct Sha1Message2 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> y = b.AsUInt32();
        uint w16 = uint.RotateLeft(x.GetElement(3) ^ y.GetElement(2), 1);
        uint w17 = uint.RotateLeft(x.GetElement(2) ^ y.GetElement(1), 1);
        uint w18 = uint.RotateLeft(x.GetElement(1) ^ y.GetElement(0), 1);
        uint w19 = uint.RotateLeft(x.GetElement(0) ^ w16, 1);
        return Vector128.Create(w19, w18, w17, w16).AsByte();
    }
}

/// <summary>SHA256MSG1 (FIPS 180-4, 6.2.2): words plus σ0 of their successors.</summary>
internal readonly struct Sha256Message1 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> next = Vector128.Create(x.GetElement(1), x.GetElement(2), x.GetElement(3), b.AsUInt32().ToScalar());
        Vector128<uint> sigma = (next >>> 7 | next << 25) ^ (next >>> 18 | next << 14) ^ next >>> 3;
        return (x + sigma).AsByte();
    }
}

/// <summary>SHA256MSG2: words plus σ1 of the words two before; the upper two depend on the lower two.</summary>
internal readonly struct Sha256Message2 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<uint> x = a.AsUInt32();
        uint w16 = x.GetElement(0) + Sigma(b.AsUInt32().GetElement(2));
        uint w17 = x.GetElement(1) + Sigma(b.AsUInt32().GetElement(3));
        uint w18 = x.GetElement(2) + Sigma(w16);
        uint w19 = x.GetElement(3) + Sigma(w17);
        return Vector128.Create(w16, w17, w18, w19).AsByte();
    }

    private static uint Sigma(uint word) => uint.RotateRight(word, 17) ^ uint.RotateRight(word, 19) ^ word >> 10;
}

/// <summary>SHA256RNDS2: two rounds of SHA-256 with the words plus constants in XMM0. C, D, G, H in the destination, A, B, E, F in the source.</summary>
internal static unsafe class Sha256Rounds
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Xmm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, VectorState.Load<Lane>(s, op));

    private static void Apply(CpuState* s, Op* op, Lane source)
    {
        Lane* destination = VectorState.Xmm(s, op->Reg0);
        *destination = Rounds(*destination, source, *VectorState.Xmm(s, 0));
    }

    internal static Lane Rounds(Lane cdgh, Lane abef, Lane words)
    {
        uint wA = abef.AsUInt32().GetElement(3), wB = abef.AsUInt32().GetElement(2), wE = abef.AsUInt32().GetElement(1), wF = abef.AsUInt32().GetElement(0);
        uint wC = cdgh.AsUInt32().GetElement(3), wD = cdgh.AsUInt32().GetElement(2), wG = cdgh.AsUInt32().GetElement(1), wH = cdgh.AsUInt32().GetElement(0);
        for (int i = 0; i < 2; i++)
        {
            uint choice = (wE & wF) ^ (~wE & wG);
            uint majority = (wA & wB) ^ (wA & wC) ^ (wB & wC);
            uint sigma1 = uint.RotateRight(wE, 6) ^ uint.RotateRight(wE, 11) ^ uint.RotateRight(wE, 25);
            uint sigma0 = uint.RotateRight(wA, 2) ^ uint.RotateRight(wA, 13) ^ uint.RotateRight(wA, 22);
            uint first = choice + sigma1 + words.AsUInt32().GetElement(i) + wH;
            (wH, wG, wF, wE, wD, wC, wB, wA) = (wG, wF, wE, first + wD, wC, wB, wA, first + majority + sigma0);
        }
        return Vector128.Create(wF, wE, wB, wA).AsByte();
    }
}
