using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PMOVSX and PMOVZX: the lowest elements, extended by the signedness of the narrower type.</summary>
internal readonly struct Extend<TNarrow, TWide> : ILaneOperation
    where TNarrow : unmanaged, IBinaryInteger<TNarrow>
    where TWide : unmanaged, IBinaryInteger<TWide>
{
    /// <summary>How many bytes of the source make one lane of the result.</summary>
    public static int SourceBytes => 16 / (Unsafe.SizeOf<TWide>() / Unsafe.SizeOf<TNarrow>());

    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Lane wider = b;
        for (int size = Unsafe.SizeOf<TNarrow>(); size < Unsafe.SizeOf<TWide>(); size *= 2) wider = Double(wider, size);
        return wider;
    }

    /// <summary>Extends the lower half of the elements to twice their size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lane Double(Lane lane, int size)
    {
        if (TNarrow.IsNegative(TNarrow.AllBitsSet))
        {
            return size switch
            {
                1 => Vector128.WidenLower(lane.AsSByte()).AsByte(),
                2 => Vector128.WidenLower(lane.AsInt16()).AsByte(),
                _ => Vector128.WidenLower(lane.AsInt32()).AsByte(),
            };
        }
        return size switch
        {
            1 => Vector128.WidenLower(lane).AsByte(),
            2 => Vector128.WidenLower(lane.AsUInt16()).AsByte(),
            _ => Vector128.WidenLower(lane.AsUInt32()).AsByte(),
        };
    }
}

/// <summary>VPMOVSX and VPMOVZX to 256 bits.</summary>
/// <typeparam name="TNarrow">Source element.</typeparam>
/// <typeparam name="TWide">Destination element.</typeparam>
/// <typeparam name="TMemory">What the memory form reads.</typeparam>
internal static unsafe class ExtendYmm<TNarrow, TWide, TMemory>
    where TNarrow : unmanaged, IBinaryInteger<TNarrow>
    where TWide : unmanaged, IBinaryInteger<TWide>
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Xmm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, VectorState.Load<TMemory>(s, op));

    private static void Apply(CpuState* s, Op* op, Lane source)
    {
        Lane upper = ShiftBytesRight.Apply(default, source, (byte)Extend<TNarrow, TWide>.SourceBytes);
        VectorState.SetYmm(s, op->Reg0, Extend<TNarrow, TWide>.Apply(default, source, 0), Extend<TNarrow, TWide>.Apply(default, upper, 0));
    }
}
