using System.Text;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Tests.X87;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>PCMPxSTRx (SDM vol. 2, 4.1).</summary>
public sealed unsafe class StringCompareTests : IDisposable
{
    private const byte EqualAny = 0, Ranges = 4, EqualEach = 8, EqualOrdered = 12, Negate = 0x10, NegateValid = 0x30, Last = 0x40, Expand = 0x40;

    private readonly X87Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("aeiou", "string", EqualAny, 3)]
    [InlineData("aeiou", "strng", EqualAny, 16)]
    [InlineData("azAZ", "42 Words", Ranges, 3)]
    [InlineData("azAZ", "42 Words", Ranges | Last, 7)]
    [InlineData("needle", "needles", EqualEach | Negate, 6)]
    [InlineData("same", "same", EqualEach | Negate, 16)]
    [InlineData("same", "same", EqualEach | NegateValid, 4)]
    [InlineData("ring", "a string", EqualOrdered, 4)]
    [InlineData("ring", "only a strin", EqualOrdered, 16)]
    [InlineData("ring", "0123456789012rin", EqualOrdered, 13)]
    public void Pcmpistri_finds_the_index(string first, string second, int control, int index)
    {
        Set(1, first);
        Set(2, second);
        _machine.Run(a => a.pcmpistri(xmm1, xmm2, (byte)control)).ShouldBeNull();
        _machine.State->General[1].ShouldBe((ulong)index);
        Flags.Carry(_machine.State).ShouldBe(index != 16);
        Flags.Sign(_machine.State).ShouldBe(first.Length < 16);
        Flags.Zero(_machine.State).ShouldBe(second.Length < 16);
    }

    [Fact]
    public void Pcmpistrm_makes_a_bit_mask_or_an_element_mask()
    {
        Set(1, "aeiou");
        Set(2, "queue");
        _machine.Run(a => a.pcmpistrm(xmm1, xmm2, EqualAny)).ShouldBeNull();
        Xmm(0).ShouldBe((0b11110UL, 0UL));
        _machine.Run(a => a.vpcmpistrm(xmm1, xmm2, EqualAny | Expand)).ShouldBeNull();
        Xmm(0).ShouldBe((0x0000_00FF_FFFF_FF00UL, 0UL));
        _machine.Run(a => a.pcmpistrm(xmm1, xmm2, EqualAny | Negate)).ShouldBeNull();
        Xmm(0).ShouldBe((0xFFE1UL, 0UL));
    }

    [Fact]
    public void Explicit_lengths_are_magnitudes_limited_to_the_lane()
    {
        Set(1, "ab\0d");
        Set(2, "ab\0d");
        _machine.State->General[0] = 0xFFFF_FFFC;
        _machine.State->General[2] = 100;
        _machine.Run(a => a.pcmpestri(xmm1, xmm2, EqualEach | Negate)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(4UL);
        Flags.Sign(_machine.State).ShouldBeTrue();
        Flags.Zero(_machine.State).ShouldBeFalse();
    }

    [Fact]
    public void Words_compare_with_or_without_sign()
    {
        Set(1, string.Empty);
        Set(2, string.Empty);
        *(ulong*)CpuState.Vector(_machine.State, 1) = 0x0000_0000_0010_FFFE;
        *(ulong*)CpuState.Vector(_machine.State, 2) = 0x0000_0000_0000_FFFF;
        const byte Words = 1, SignedWords = 3;
        _machine.Run(a => a.pcmpistri(xmm1, xmm2, Ranges | SignedWords)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(0UL);
        _machine.Run(a => a.pcmpistri(xmm1, xmm2, Ranges | Words)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(8UL);
    }

    private (ulong Low, ulong High) Xmm(int number)
    {
        ulong* lane = (ulong*)CpuState.Vector(_machine.State, number);
        return (lane[0], lane[1]);
    }

    private void Set(int number, string text)
    {
        var lane = new Span<byte>(CpuState.Vector(_machine.State, number), 16);
        lane.Clear();
        Encoding.Latin1.GetBytes(text, lane);
    }
}
