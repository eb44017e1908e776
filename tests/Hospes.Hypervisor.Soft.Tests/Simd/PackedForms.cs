using System.Runtime.Intrinsics;
using Iced.Intel;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>What an instruction should do to one lane, for its first source (or old destination), second source and immediate.</summary>
internal delegate Lane Reference(Lane a, Lane b, byte immediate);

/// <summary>Runs every form that an instruction has, with registers and memory, and compares with a reference.</summary>
internal sealed class PackedForms : IDisposable
{
    private const int Rounds = 48;

    private readonly SimdMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    /// <summary>Checks all forms of a mnemonic.</summary>
    /// <param name="name">The mnemonic in lower case, without V.</param>
    /// <param name="reference">What it does to a lane.</param>
    /// <param name="upperShift">How far the immediate is shifted for the upper lane.</param>
    /// <param name="mmx">Whether the MMX form does the same to half a lane.</param>
    /// <param name="immediates">Whether the forms with an immediate do the same.</param>
    /// <returns>How many forms there are.</returns>
    public int Check(string name, Reference reference, int upperShift = 0, bool mmx = true, bool immediates = true)
    {
        int forms = 0;
        foreach (string suffix in (string[])(immediates ? ["", "_imm8"] : [""]))
        {
            if (TryFind($"{Capital(name)}_xmm_xmmm128{suffix}", out Code code)) forms += Legacy(code, reference);
            if (TryFind($"VEX_V{name}_xmm_xmm_xmmm128{suffix}", out code)) forms += Vex128(code, reference, unary: false);
            if (TryFind($"VEX_V{name}_xmm_xmmm128{suffix}", out code)) forms += Vex128(code, reference, unary: true);
            if (TryFind($"VEX_V{name}_ymm_ymm_ymmm256{suffix}", out code)) forms += Vex256(code, reference, upperShift, unary: false);
            if (TryFind($"VEX_V{name}_ymm_ymmm256{suffix}", out code)) forms += Vex256(code, reference, upperShift, unary: true);
            if (mmx && TryFind($"{Capital(name)}_mm_mmm64{suffix}", out code)) forms += Mmx(code, reference);
        }
        return forms;
    }

    private static string Capital(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    // Offered instructions only: the names also match VAES and VPCLMULQDQ.
    private bool TryFind(string name, out Code code) => Enum.TryParse(name, out code) && _machine.Knows(code);

    private int Legacy(Code code, Reference reference)
    {
        Repeat(code, (a, b, immediate) =>
        {
            Vector256<byte> expected = Vector256.Create(reference(a.GetLower(), b.GetLower(), immediate), a.GetUpper());
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 3, 4, immediate: immediate);
            _machine.Ymm(3).ShouldBe(expected, $"{code} {a} {b} {immediate}");
            _machine.SetYmm(3, a);
            _machine.Write(0x40, b.GetLower());
            _machine.RunMemory(code, 0x40, 3, immediate: immediate);
            _machine.Ymm(3).ShouldBe(expected, $"{code} {a} memory {b} {immediate}");
        });
        return 1;
    }

    private int Vex128(Code code, Reference reference, bool unary)
    {
        Repeat(code, (a, b, immediate) =>
        {
            Vector256<byte> expected = reference(a.GetLower(), b.GetLower(), immediate).ToVector256();
            _machine.SetYmm(5, Vector256<byte>.AllBitsSet);
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 5, unary ? (byte)4 : (byte)3, 4, immediate: immediate);
            _machine.Ymm(5).ShouldBe(expected, $"{code} {a} {b} {immediate}");
            _machine.Write(0x41, b.GetLower());
            _machine.RunMemory(code, 0x41, 3, 3, immediate: immediate);
            _machine.Ymm(3).ShouldBe(expected, $"{code} {a} memory {b} {immediate}");
        });
        return 1;
    }

    private int Vex256(Code code, Reference reference, int upperShift, bool unary)
    {
        Repeat(code, (a, b, immediate) =>
        {
            Vector256<byte> expected = Vector256.Create(
                reference(a.GetLower(), b.GetLower(), immediate), reference(a.GetUpper(), b.GetUpper(), (byte)(immediate >> upperShift)));
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 4, unary ? (byte)4 : (byte)3, 4, immediate: immediate);
            _machine.Ymm(4).ShouldBe(expected, $"{code} {a} {b} {immediate}");
            _machine.Write(0x41, b);
            _machine.RunMemory(code, 0x41, 9, 3, immediate: immediate);
            _machine.Ymm(9).ShouldBe(expected, $"{code} {a} memory {b} {immediate}");
        });
        return 1;
    }

    /// <summary>The MMX form of an instruction whose elements do not depend on their neighbours.</summary>
    private int Mmx(Code code, Reference reference)
    {
        Repeat(code, (a, b, immediate) =>
        {
            ulong first = a.AsUInt64().ToScalar();
            ulong second = b.AsUInt64().ToScalar();
            ulong expected = reference(Vector128.CreateScalar(first).AsByte(), Vector128.CreateScalar(second).AsByte(), immediate).AsUInt64().ToScalar();
            _machine.EnterX87();
            _machine.SetMmx(3, first);
            _machine.SetMmx(7, second);
            _machine.Run(code, 3, 7, immediate: immediate);
            _machine.Mmx(3).ShouldBe(expected, $"{code} {first:x} {second:x} {immediate}");
            _machine.IsMmx(3).ShouldBeTrue();
            _machine.SetMmx(3, first);
            _machine.Write(0x43, second);
            _machine.RunMemory(code, 0x43, 3, immediate: immediate);
            _machine.Mmx(3).ShouldBe(expected, $"{code} {first:x} memory {second:x} {immediate}");
        });
        return 1;
    }

    private static void Repeat(Code code, Action<Vector256<byte>, Vector256<byte>, byte> check)
    {
        var values = new VectorValues((int)code);
        for (int i = 0; i < Rounds; i++) check(values.Next(), values.Next(), values.NextByte());
    }
}
