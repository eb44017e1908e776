using System.Buffers.Binary;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Oracle.Compare;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;

namespace Hospes.Oracle;

/// <summary>The arithmetic by itself against the real processor, without an instruction around it.</summary>
public sealed class FloatingTests : IDisposable
{
    private const ulong UserFlags = 0x202;
    private const ushort RoundedUp = 0x0200;
    private readonly NativeRunner _runner = new();

    public void Dispose() => _runner.Dispose();

    private delegate Float80 Extended(in Operand a, in Operand b, ref FloatStatus status);

    private delegate ulong Scalar(ulong a, ulong b, ulong c, ref FloatStatus status);

    public static TheoryData<string> ExtendedNames() => [.. ExtendedOperations.Keys];

    public static TheoryData<string> ScalarNames() => [.. ScalarOperations.Keys];

    /// <summary>By name: the instruction on ST0 and ST1, and its arithmetic.</summary>
    private static readonly Dictionary<string, (byte[] Code, Extended Operation)> ExtendedOperations = new()
    {
        ["fadd"] = ([0xD8, 0xC1], ExtendedArithmetic.Add),
        ["fsub"] = ([0xD8, 0xE1], ExtendedArithmetic.Subtract),
        ["fmul"] = ([0xD8, 0xC9], ExtendedArithmetic.Multiply),
        ["fdiv"] = ([0xD8, 0xF1], ExtendedArithmetic.Divide),
        ["fsqrt"] = ([0xD9, 0xFA], (in Operand a, in Operand _, ref FloatStatus status) => ExtendedArithmetic.SquareRoot(a, ref status)),
        ["frndint"] = ([0xD9, 0xFC], (in Operand a, in Operand _, ref FloatStatus status) => ExtendedArithmetic.RoundToIntegral(a, ref status)),
        ["fscale"] = ([0xD9, 0xFD], ExtendedRemainder.Scale),
        ["fprem"] = ([0xD9, 0xF8], (in Operand a, in Operand b, ref FloatStatus status) => ExtendedRemainder.Remainder(a, b, false, ref status, out _, out _)),
        ["fprem1"] = ([0xD9, 0xF5], (in Operand a, in Operand b, ref FloatStatus status) => ExtendedRemainder.Remainder(a, b, true, ref status, out _, out _)),
    };

    /// <summary>By name: the instruction on XMM0, XMM1, XMM2, whether it is on 64 bits, and its arithmetic.</summary>
    private static readonly Dictionary<string, (byte[] Code, bool IsDouble, Scalar Operation)> ScalarOperations = new()
    {
        ["addss"] = ([0xF3, 0x0F, 0x58, 0xC1], false, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float32.Add((uint)a, (uint)b, ref s)),
        ["addsd"] = ([0xF2, 0x0F, 0x58, 0xC1], true, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float64.Add(a, b, ref s)),
        ["subss"] = ([0xF3, 0x0F, 0x5C, 0xC1], false, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float32.Subtract((uint)a, (uint)b, ref s)),
        ["subsd"] = ([0xF2, 0x0F, 0x5C, 0xC1], true, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float64.Subtract(a, b, ref s)),
        ["mulss"] = ([0xF3, 0x0F, 0x59, 0xC1], false, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float32.Multiply((uint)a, (uint)b, ref s)),
        ["mulsd"] = ([0xF2, 0x0F, 0x59, 0xC1], true, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float64.Multiply(a, b, ref s)),
        ["divss"] = ([0xF3, 0x0F, 0x5E, 0xC1], false, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float32.Divide((uint)a, (uint)b, ref s)),
        ["divsd"] = ([0xF2, 0x0F, 0x5E, 0xC1], true, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float64.Divide(a, b, ref s)),
        ["minss"] = ([0xF3, 0x0F, 0x5D, 0xC1], false, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float32.Min((uint)a, (uint)b, ref s)),
        ["maxsd"] = ([0xF2, 0x0F, 0x5F, 0xC1], true, (ulong a, ulong b, ulong _, ref FloatStatus s) => Float64.Max(a, b, ref s)),
        ["sqrtss"] = ([0xF3, 0x0F, 0x51, 0xC1], false, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float32.SquareRoot((uint)b, ref s)),
        ["sqrtsd"] = ([0xF2, 0x0F, 0x51, 0xC1], true, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float64.SquareRoot(b, ref s)),
        ["roundss"] = ([0x66, 0x0F, 0x3A, 0x0A, 0xC1, 4], false, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float32.RoundToIntegral((uint)b, false, ref s)),
        ["roundsd"] = ([0x66, 0x0F, 0x3A, 0x0B, 0xC1, 4], true, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float64.RoundToIntegral(b, false, ref s)),
        ["cvtss2sd"] = ([0xF3, 0x0F, 0x5A, 0xC1], true, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float32.ToFloat64((uint)b, ref s)),
        ["cvtsd2ss"] = ([0xF2, 0x0F, 0x5A, 0xC1], false, (ulong _, ulong b, ulong _, ref FloatStatus s) => Float64.ToFloat32(b, ref s)),
        ["vfmadd213ss"] = ([0xC4, 0xE2, 0x71, 0xA9, 0xC2], false, (ulong a, ulong b, ulong c, ref FloatStatus s) => Float32.MultiplyAdd((uint)b, (uint)a, (uint)c, ref s)),
        ["vfmadd213sd"] = ([0xC4, 0xE2, 0xF1, 0xA9, 0xC2], true, (ulong a, ulong b, ulong c, ref FloatStatus s) => Float64.MultiplyAdd(b, a, c, ref s)),
    };

    [Theory]
    [MemberData(nameof(ExtendedNames))]
    public void Extended_arithmetic_agrees(string name)
    {
        var (code, operation) = ExtendedOperations[name];
        for (var number = 0; number < 20_000; number += NativeRunner.BatchSize)
        {
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                var random = new Randomness(1, name, number + i);
                Prepare(ref random, ref _runner.Slot(i), code, Flavour.Random);
                BinaryPrimitives.WriteUInt16LittleEndian(_runner.Slot(i).Input.XsaveBytes[CpuImage.Fsw..], 0);
                _runner.Slot(i).Input.XsaveBytes[CpuImage.Ftw] = 0xFF;
            }

            _runner.Run(NativeRunner.BatchSize);
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                ref var slot = ref _runner.Slot(i);
                var input = slot.Input.XsaveBytes;
                var output = slot.Output.XsaveBytes;
                var status = FloatStatus.FromControlWord(BinaryPrimitives.ReadUInt16LittleEndian(input));
                var a = Register(input, 0);
                var result = operation(a.Unpack(), Register(input, 1).Unpack(), ref status);
                var context = $"{name} case {number + i}: {Comparison.Hex(input.Slice(CpuImage.St0, 10))} {Comparison.Hex(input.Slice(CpuImage.St0 + 16, 10))} control {BinaryPrimitives.ReadUInt16LittleEndian(input):x}";
                var word = BinaryPrimitives.ReadUInt16LittleEndian(output[CpuImage.Fsw..]);
                (status.Reported & 0x3F).ShouldBe((uint)word & 0x3F, context);
                if ((status.Unmasked & FloatFlags.PreComputation) == 0)
                {
                    $"{result.SignExponent:x4}_{result.Significand:x16}".ShouldBe($"{Register(output, 0).SignExponent:x4}_{Register(output, 0).Significand:x16}", context);
                    if ((status.Flags & FloatFlags.Inexact) != 0)
                    {
                        status.RoundedUp.ShouldBe((word & RoundedUp) != 0, context);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(ScalarNames))]
    public void Scalar_arithmetic_agrees(string name)
    {
        var (code, isDouble, operation) = ScalarOperations[name];
        if (code[0] == 0xC4 && !System.Runtime.Intrinsics.X86.Fma.IsSupported)
        {
            return;
        }

        for (var number = 0; number < 20_000; number += NativeRunner.BatchSize)
        {
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                var random = new Randomness(1, name, number + i);
                Prepare(ref random, ref _runner.Slot(i), code, isDouble ^ name.StartsWith("cvt", StringComparison.Ordinal) ? Flavour.Double : Flavour.Single);
            }

            _runner.Run(NativeRunner.BatchSize);
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                ref var slot = ref _runner.Slot(i);
                var input = slot.Input.XsaveBytes;
                var mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(input[CpuImage.Mxcsr..]);
                var status = new FloatStatus(mxcsr);
                var result = operation(Element(input, 0, name, isDouble), Element(input, 1, name, isDouble), Element(input, 2, name, isDouble), ref status);
                var context = $"{name} case {number + i}: {Element(input, 0, name, isDouble):x} {Element(input, 1, name, isDouble):x} {Element(input, 2, name, isDouble):x} MXCSR {mxcsr:x}";
                var after = BinaryPrimitives.ReadUInt32LittleEndian(slot.Output.XsaveBytes[CpuImage.Mxcsr..]);
                (mxcsr | status.Reported).ShouldBe(after, context);
                (status.Unmasked != 0).ShouldBe(slot.Output[Greg.Trap] == 19, context);
                if (status.Unmasked == 0)
                {
                    var native = BinaryPrimitives.ReadUInt64LittleEndian(slot.Output.XsaveBytes[CpuImage.Xmm0..]);
                    result.ShouldBe(isDouble ? native : (uint)native, context);
                }
            }
        }
    }

    private static ulong Element(Span<byte> xsave, int register, string name, bool isDouble)
    {
        var wide = isDouble ^ name.StartsWith("cvt", StringComparison.Ordinal);
        var value = BinaryPrimitives.ReadUInt64LittleEndian(xsave[(CpuImage.Xmm0 + (16 * register))..]);
        return wide ? value : (uint)value;
    }

    private static Float80 Register(Span<byte> xsave, int number)
    {
        var at = xsave[(CpuImage.St0 + (16 * number))..];
        return new Float80(BinaryPrimitives.ReadUInt16LittleEndian(at[8..]), BinaryPrimitives.ReadUInt64LittleEndian(at));
    }

    private static unsafe void Prepare(ref Randomness random, ref CaseSlot slot, byte[] code, Flavour flavour)
    {
        slot = default;
        StateBuilder.Randomize(ref random, ref slot.Input, flavour, hasFsGsBase: false);
        slot.Input[Greg.Rflags] = UserFlags;
        slot.Input[Greg.Rip] = SharedLayout.CodeBase;
        slot.CodeLength = code.Length;
        for (var i = 0; i < code.Length; i++)
        {
            slot.CodeBytes[i] = code[i];
        }
    }
}
