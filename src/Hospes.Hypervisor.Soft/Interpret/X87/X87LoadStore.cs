using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>FLD and FILD: converts what memory holds and pushes it.</summary>
internal static unsafe class X87Load<TSource>
    where TSource : struct, IMemoryNumber
{
    public static void Push(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Operand source = TSource.Read(s, Mem.Address(s, op));
        Fpu.TrackMemory(s, op);
        if (!Fpu.IsEmpty(s, -1))
        {
            X87Transfer.PushOverflow(s);
            return;
        }

        FloatStatus status = Fpu.Status(s);
        Float80 value = ExtendedArithmetic.Load(source, ref status);
        Fpu.Commit(s, status);

        // An unmasked denormal exception comes after the load: the number in the register is a normal one.
        if ((status.Unmasked & FloatFlags.Invalid) == 0)
            Fpu.Push(s, value);
    }
}

/// <summary>Loads and stores of memory formats that need no conversion, or a decimal one: m80fp and m80bcd.</summary>
internal static unsafe class X87LoadStore
{
    public static void FldExtended(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Push(s, op, FpuMemory.ReadExtended(s, Mem.Address(s, op)));
    }

    public static void Fbld(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Float80 image = FpuMemory.ReadExtended(s, Mem.Address(s, op));
        Push(s, op, PackedDecimal.Load(image.Significand, image.SignExponent));
    }

    public static void FstpExtended(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        bool empty = Fpu.IsEmpty(s, 0);
        Float80 value = empty ? Float80.Indefinite : Fpu.Get(s, 0);
        Write(s, op, value.Significand, value.SignExponent, stores: !empty || Fpu.InvalidIsMasked(s));

        Fpu.TrackMemory(s, op);
        if (!empty)
            Fpu.SetConditions(s, Fpu.C1, 0);
        else if (!Fpu.Underflow(s))
            return;
        Fpu.Pop(s);
    }

    public static void Fbstp(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        bool empty = Fpu.IsEmpty(s, 0);
        FloatStatus status = Fpu.Status(s);
        (ulong low, ushort high) = empty
            ? (PackedDecimal.IndefiniteLow, PackedDecimal.IndefiniteHigh)
            : PackedDecimal.Store(Fpu.Get(s, 0).Unpack(), ref status);
        Write(s, op, low, high, empty ? Fpu.InvalidIsMasked(s) : (status.Unmasked & FloatFlags.Invalid) == 0);
        Fpu.TrackMemory(s, op);
        if (empty ? Fpu.Underflow(s) : Fpu.Commit(s, status))
            Fpu.Pop(s);
    }

    /// <summary>Stores ten bytes, or only looks whether they could be stored.</summary>
    private static void Write(CpuState* s, Op* op, ulong low, ushort high, bool stores)
    {
        ulong address = Mem.Address(s, op);
        if (stores)
            FpuMemory.WriteExtended(s, address, low, high);
        else
            FpuMemory.TouchExtended(s, address);
    }

    private static void Push(CpuState* s, Op* op, Float80 value)
    {
        Fpu.TrackMemory(s, op);
        if (!Fpu.IsEmpty(s, -1))
        {
            X87Transfer.PushOverflow(s);
            return;
        }

        Fpu.SetConditions(s, Fpu.C1, 0);
        Fpu.Push(s, value);
    }
}

/// <summary>A format that ST(0) is converted to on its way to memory.</summary>
internal unsafe interface IStoreFormat
{
    /// <summary>The converted bits, and what the conversion raised.</summary>
    static abstract ulong Convert(in Operand value, ref FloatStatus status);

    /// <summary>What is stored for an empty register when invalid operations are masked.</summary>
    static abstract ulong Indefinite { get; }

    static abstract void Write(CpuState* s, ulong address, ulong bits);

    /// <summary>Bytes in memory.</summary>
    static abstract int Size { get; }
}

/// <summary>FST m32fp.</summary>
internal readonly unsafe struct SingleStore : IStoreFormat
{
    public static int Size => 4;

    public static ulong Indefinite => Interchange<Binary32>.DefaultNaN;

    public static ulong Convert(in Operand value, ref FloatStatus status) => ExtendedArithmetic.Store<Binary32>(value, ref status);

    public static void Write(CpuState* s, ulong address, ulong bits) => Mem.Write(s, address, (uint)bits);
}

/// <summary>FST m64fp.</summary>
internal readonly unsafe struct DoubleStore : IStoreFormat
{
    public static int Size => 8;

    public static ulong Indefinite => Interchange<Binary64>.DefaultNaN;

    public static ulong Convert(in Operand value, ref FloatStatus status) => ExtendedArithmetic.Store<Binary64>(value, ref status);

    public static void Write(CpuState* s, ulong address, ulong bits) => Mem.Write(s, address, bits);
}

/// <summary>FIST m16int.</summary>
internal readonly unsafe struct Int16Store : IStoreFormat
{
    public static int Size => 2;

    public static ulong Indefinite => 1UL << 15;

    public static ulong Convert(in Operand value, ref FloatStatus status) => (ulong)ExtendedArithmetic.ToInteger(value, 16, ref status);

    public static void Write(CpuState* s, ulong address, ulong bits) => Mem.Write(s, address, (ushort)bits);
}

/// <summary>FIST m32int.</summary>
internal readonly unsafe struct Int32Store : IStoreFormat
{
    public static int Size => 4;

    public static ulong Indefinite => IntegerConversion.Indefinite32;

    public static ulong Convert(in Operand value, ref FloatStatus status) => (ulong)ExtendedArithmetic.ToInteger(value, 32, ref status);

    public static void Write(CpuState* s, ulong address, ulong bits) => Mem.Write(s, address, (uint)bits);
}

/// <summary>FISTP m64int.</summary>
internal readonly unsafe struct Int64Store : IStoreFormat
{
    public static int Size => 8;

    public static ulong Indefinite => IntegerConversion.Indefinite64;

    public static ulong Convert(in Operand value, ref FloatStatus status) => (ulong)ExtendedArithmetic.ToInteger(value, 64, ref status);

    public static void Write(CpuState* s, ulong address, ulong bits) => Mem.Write(s, address, bits);
}

/// <summary>FST, FSTP, FIST, FISTP and FISTTP to memory.</summary>
internal static unsafe class X87Store<TFormat>
    where TFormat : struct, IStoreFormat
{
    /// <summary>Exceptions after which, unmasked, memory and stack stay as they are.</summary>
    private const uint Blocking = FloatFlags.PreComputation | FloatFlags.Overflow | FloatFlags.Underflow;

    public static void Keep(CpuState* s, Op* op) => Execute(s, op, Fpu.Status(s), pops: false);

    public static void Pop(CpuState* s, Op* op) => Execute(s, op, Fpu.Status(s), pops: true);

    /// <summary>FISTTP: toward zero whatever RC says.</summary>
    public static void TruncatePop(CpuState* s, Op* op) => Execute(s, op, Fpu.Status(s).WithRounding(RoundingMode.TowardZero), pops: true);

    private static void Execute(CpuState* s, Op* op, FloatStatus status, bool pops)
    {
        Fpu.Wait(s);
        bool empty = Fpu.IsEmpty(s, 0);
        ulong bits = empty ? TFormat.Indefinite : TFormat.Convert(Fpu.Get(s, 0).Unpack(), ref status);
        bool stores = empty ? Fpu.InvalidIsMasked(s) : (status.Unmasked & Blocking) == 0;
        ulong address = Mem.Address(s, op);
        if (stores)
            TFormat.Write(s, address, bits);
        else
            FpuMemory.TouchEnds(s, address, TFormat.Size, TFormat.Size, write: true);
        Fpu.TrackMemory(s, op);
        if (empty)
            Fpu.Underflow(s);
        else
            Fpu.Commit(s, status);
        if (stores && pops)
            Fpu.Pop(s);
    }
}
