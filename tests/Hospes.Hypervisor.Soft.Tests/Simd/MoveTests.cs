using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Tests.X87;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;
using Vector = Hospes.Hypervisor.Soft.Interpret.Vector;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

public sealed unsafe class MoveTests : IDisposable
{
    private const int Data = X87Machine.Data;

    private static readonly Vector256<byte> Counting = Vector256<byte>.Indices + Vector256<byte>.One;

    private const ulong NotCanonical = 1UL << 60;
    private const int LastDoubleword = 0xFFFC;

    private readonly X87Machine _machine = new();

    public MoveTests() => _machine.State->Efer |= ControlRegisters.EferLma;

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Aligned_moves_fault_on_addresses_that_are_not()
    {
        _machine.Run(a => a.movdqa(xmm1, __xmmword_ptr[Data + 8])).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.movaps(__xmmword_ptr[Data + 8], xmm1)).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.movntdq(__xmmword_ptr[Data + 8], xmm1)).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.vmovdqa(ymm1, __ymmword_ptr[Data + 16])).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.vmovntdq(__ymmword_ptr[Data + 16], ymm1)).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.paddb(xmm1, __xmmword_ptr[Data + 8])).ShouldBe(Vector.GeneralProtection);
        _machine.Run(a => a.vpaddb(xmm1, xmm2, __xmmword_ptr[Data + 8])).ShouldBeNull();
        _machine.Run(a => a.movdqu(xmm1, __xmmword_ptr[Data + 8])).ShouldBeNull();
        _machine.Run(a => a.lddqu(xmm1, __xmmword_ptr[Data + 8])).ShouldBeNull();
    }

    [Fact]
    public void Legacy_loads_keep_the_upper_half_and_vex_loads_clear_it()
    {
        _machine.Write(Data, Counting);
        Ymm(1) = Vector256<byte>.AllBitsSet;
        _machine.Run(a => a.movdqa(xmm1, __xmmword_ptr[Data])).ShouldBeNull();
        Ymm(1).ShouldBe(Vector256.Create(Counting.GetLower(), Vector128<byte>.AllBitsSet));
        _machine.Run(a => a.vmovdqu(xmm1, __xmmword_ptr[Data + 16])).ShouldBeNull();
        Ymm(1).ShouldBe(Counting.GetUpper().ToVector256());
        _machine.Run(a => a.vmovdqu(ymm1, __ymmword_ptr[Data])).ShouldBeNull();
        Ymm(1).ShouldBe(Counting);
    }

    [Fact]
    public void Scalar_loads_clear_the_rest_and_register_moves_merge()
    {
        _machine.Write(Data, Counting);
        Ymm(1) = Vector256<byte>.AllBitsSet;
        _machine.Run(a => a.movss(xmm1, __dword_ptr[Data])).ShouldBeNull();
        Ymm(1).AsUInt32().ShouldBe(Vector256.Create(0x04030201U, 0, 0, 0, ~0U, ~0U, ~0U, ~0U));
        Ymm(2) = Vector256<byte>.AllBitsSet;
        _machine.Run(a => a.movss(xmm2, xmm1)).ShouldBeNull();
        Ymm(2).AsUInt32().GetElement(0).ShouldBe(0x04030201U);
        Ymm(2).AsUInt32().GetElement(1).ShouldBe(~0U);
        _machine.Run(a => a.vmovsd(xmm3, xmm2, xmm1)).ShouldBeNull();
        Ymm(3).AsUInt64().ShouldBe(Vector256.Create(0x04030201UL, ~0UL, 0, 0));
        _machine.Run(a => a.movq(xmm2, xmm2)).ShouldBeNull();
        Ymm(2).AsUInt64().ShouldBe(Vector256.Create(0xFFFF_FFFF_0403_0201, 0, ~0UL, ~0UL));
    }

    [Fact]
    public void Halves_move_to_and_from_memory()
    {
        _machine.Write(Data, Counting);
        _machine.Run(a => a.movlps(xmm1, __qword_ptr[Data + 8])).ShouldBeNull();
        _machine.Run(a => a.movhps(xmm1, __qword_ptr[Data])).ShouldBeNull();
        Ymm(1).AsUInt64().GetElement(0).ShouldBe(Counting.AsUInt64().GetElement(1));
        Ymm(1).AsUInt64().GetElement(1).ShouldBe(Counting.AsUInt64().GetElement(0));
        _machine.Run(a => a.movhpd(__qword_ptr[Data + 64], xmm1)).ShouldBeNull();
        _machine.Read<ulong>(Data + 64).ShouldBe(Counting.AsUInt64().GetElement(0));
        _machine.Run(a => a.movhlps(xmm2, xmm1)).ShouldBeNull();
        Ymm(2).AsUInt64().GetElement(0).ShouldBe(Counting.AsUInt64().GetElement(0));
    }

    [Fact]
    public void General_registers_exchange_with_vector_registers()
    {
        _machine.State->General[0] = 0x8000_0000_8765_4321;
        _machine.Run(a => a.movd(xmm1, eax)).ShouldBeNull();
        Ymm(1).AsUInt64().GetElement(0).ShouldBe(0x8765_4321UL);
        _machine.Run(a => a.vmovq(xmm1, rax)).ShouldBeNull();
        _machine.Run(a => a.movd(ecx, xmm1)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(0x8765_4321UL);
        _machine.Run(a => a.movmskpd(edx, xmm1)).ShouldBeNull();
        _machine.State->General[2].ShouldBe(1UL);
        _machine.Run(a => a.pextrw(ebx, xmm1, 1)).ShouldBeNull();
        _machine.State->General[3].ShouldBe(0x8765UL);
        _machine.Run(a => a.pinsrd(xmm1, ecx, 3)).ShouldBeNull();
        Ymm(1).AsUInt32().GetElement(3).ShouldBe(0x8765_4321U);
        Ymm(1) = Vector256.Create((byte)0x80);
        _machine.Run(a => a.vpmovmskb(edx, ymm1)).ShouldBeNull();
        _machine.State->General[2].ShouldBe(0xFFFF_FFFFUL);
    }

    [Fact]
    public void Broadcasts_and_permutations_cross_lanes()
    {
        _machine.Write(Data, Counting);
        _machine.Run(a => a.vpbroadcastw(ymm1, __word_ptr[Data])).ShouldBeNull();
        Ymm(1).ShouldBe(Vector256.Create((ushort)0x0201).AsByte());
        _machine.Run(a => a.vbroadcasti128(ymm1, __xmmword_ptr[Data + 16])).ShouldBeNull();
        Ymm(1).ShouldBe(Vector256.Create(Counting.GetUpper(), Counting.GetUpper()));
        Ymm(2) = Counting;
        _machine.Run(a => a.vpermq(ymm1, ymm2, 0b00_01_10_11)).ShouldBeNull();
        Ymm(1).AsUInt64().ShouldBe(Vector256.Shuffle(Counting.AsUInt64(), Vector256.Create(3UL, 2, 1, 0)));
        Ymm(3) = Vector256.Create(15U, 6, 5, 4, 3, 2, 1, 0).AsByte();
        _machine.Run(a => a.vpermd(ymm1, ymm3, ymm2)).ShouldBeNull();
        Ymm(1).AsUInt32().ShouldBe(Vector256.Shuffle(Counting.AsUInt32(), Vector256.Create(7U, 6, 5, 4, 3, 2, 1, 0)));
        _machine.Run(a => a.vperm2i128(ymm1, ymm2, ymm3, 0x82)).ShouldBeNull();
        Ymm(1).ShouldBe(Ymm(3).GetLower().ToVector256());
        _machine.Run(a => a.vextracti128(xmm1, ymm2, 1)).ShouldBeNull();
        Ymm(1).ShouldBe(Counting.GetUpper().ToVector256());
        _machine.Run(a => a.vinserti128(ymm1, ymm2, xmm3, 1)).ShouldBeNull();
        Ymm(1).ShouldBe(Counting.WithUpper(Ymm(3).GetLower()));
    }

    [Fact]
    public void Extensions_take_the_lowest_elements()
    {
        Ymm(2) = Vector256<byte>.Zero.WithElement(0, (byte)0x80).WithElement(1, (byte)0x7F).WithElement(7, (byte)0xFF);
        _machine.Run(a => a.vpmovsxbd(ymm1, xmm2)).ShouldBeNull();
        Ymm(1).AsInt32().ShouldBe(Vector256.Create(-128, 127, 0, 0, 0, 0, 0, -1));
        _machine.Run(a => a.pmovzxbq(xmm1, xmm2)).ShouldBeNull();
        Ymm(1).GetLower().AsUInt64().ShouldBe(Vector128.Create(0x80UL, 0x7F));
        _machine.Run(a => a.vpmovzxbw(ymm1, xmm2)).ShouldBeNull();
        Ymm(1).AsUInt16().ShouldBe(Vector256.Create((ushort)0x80, 0x7F, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    [Fact]
    public void Masked_moves_touch_only_chosen_elements()
    {
        _machine.Write(Data, Counting);
        Ymm(1) = Vector256.Create(-1, 0, 0, -1, 0, 0, 0, int.MinValue).AsByte();
        _machine.Run(a => a.vpmaskmovd(ymm2, ymm1, __ymmword_ptr[Data])).ShouldBeNull();
        Ymm(2).ShouldBe(Counting & Vector256.Create(-1, 0, 0, -1, 0, 0, 0, -1).AsByte());
        // Memory ends behind the first element.
        Ymm(1) = Vector256.Create(-1, 0, 0, 0, 0, 0, 0, 0).AsByte();
        _machine.Run(a => a.vpmaskmovd(ymm2, ymm1, __ymmword_ptr[LastDoubleword])).ShouldBeNull();
        _machine.Run(a => a.vpmaskmovd(__ymmword_ptr[LastDoubleword], ymm1, ymm2)).ShouldBeNull();
        _machine.State->General[3] = NotCanonical;
        _machine.Run(a => a.vpmaskmovd(ymm2, ymm1, __ymmword_ptr[rbx])).ShouldBe(Vector.GeneralProtection);
        Ymm(1) = Vector256<byte>.Zero;
        _machine.Run(a => a.vpmaskmovd(ymm2, ymm1, __ymmword_ptr[rbx])).ShouldBeNull();
        Ymm(2) = Counting;
        _machine.State->General[7] = Data + 65;
        Ymm(1) = Vector256.Create(0x80UL, 0x8000_0000_0000_0000, 0, 0).AsByte();
        _machine.Run(a => a.maskmovdqu(xmm2, xmm1)).ShouldBeNull();
        _machine.Read<byte>(Data + 65).ShouldBe((byte)1);
        _machine.Read<byte>(Data + 66).ShouldBe((byte)0);
        _machine.Read<byte>(Data + 80).ShouldBe((byte)16);
    }

    [Fact]
    public void A_gather_that_faults_continues_where_it_stopped()
    {
        _machine.Write(Data, Counting);
        Ymm(1) = Vector256.Create(0xAAAA_AAAA_AAAA_AAAA).AsByte();
        Ymm(2) = Vector256.Create(0L, 1, 1L << 60, 2).AsByte();
        Ymm(3) = Vector256<byte>.AllBitsSet;
        _machine.State->General[0] = Data;
        _machine.Run(a => a.vpgatherqq(ymm1, __ymmword_ptr[rax + ymm2 * 8], ymm3)).ShouldBe(Vector.GeneralProtection);
        Ymm(1).AsUInt64().ShouldBe(Counting.AsUInt64().WithElement(2, 0xAAAA_AAAA_AAAA_AAAA).WithElement(3, 0xAAAA_AAAA_AAAA_AAAA));
        Ymm(3).AsUInt64().ShouldBe(Vector256.Create(0, 0, ~0UL, ~0UL));
        Ymm(2) = Vector256.Create(0L, 1, 3, 2).AsByte();
        _machine.Run(a => a.vpgatherqq(ymm1, __ymmword_ptr[rax + ymm2 * 8], ymm3)).ShouldBeNull();
        Ymm(1).AsUInt64().ShouldBe(Vector256.Shuffle(Counting.AsUInt64(), Vector256.Create(0UL, 1, 3, 2)));
        Ymm(3).ShouldBe(Vector256<byte>.Zero);
    }

    [Fact]
    public void A_gather_sign_extends_indices_and_clears_what_it_does_not_load()
    {
        _machine.Write(Data, Counting);
        Ymm(1) = Vector256<byte>.AllBitsSet;
        Ymm(2) = Vector256.Create(-4L, 4, 0, 0).AsByte();
        Ymm(3) = Vector256<byte>.AllBitsSet;
        _machine.State->General[0] = Data + 4;
        _machine.Run(a => a.vpgatherqd(xmm1, __dword_ptr[rax + xmm2], xmm3)).ShouldBeNull();
        Ymm(1).AsUInt32().ShouldBe(Vector256.Create(0x04030201U, 0x0C0B0A09, 0, 0, 0, 0, 0, 0));
        Ymm(3).ShouldBe(Vector256<byte>.Zero);
    }

    [Fact]
    public void Vzeroupper_reaches_sixteen_registers_in_64_bit_mode_only()
    {
        Ymm(15) = Vector256<byte>.AllBitsSet;
        _machine.Run(a => a.vzeroupper()).ShouldBeNull();
        Ymm(15).ShouldBe(Vector128<byte>.AllBitsSet.ToVector256());
        _machine.State->Mode = (_machine.State->Mode & ~Mode.Code64) | Mode.Code32 | Mode.Flat;
        Ymm(7) = Vector256<byte>.AllBitsSet;
        _machine.Run(0xC5, 0xFC, 0x77).ShouldBeNull();
        Ymm(7).ShouldBe(Vector256<byte>.Zero);
        Ymm(15).ShouldBe(Vector128<byte>.AllBitsSet.ToVector256());
    }

    [Fact]
    public void Tests_and_variable_blends_look_at_signs()
    {
        Ymm(1) = Vector256.Create(0x8000_0000U).AsByte();
        Ymm(2) = Vector256.Create(0x7FFF_FFFFU).AsByte();
        _machine.Run(a => a.vptest(ymm1, ymm2)).ShouldBeNull();
        Flags.Zero(_machine.State).ShouldBeTrue();
        Flags.Carry(_machine.State).ShouldBeFalse();
        _machine.Run(a => a.vtestps(ymm1, ymm2)).ShouldBeNull();
        Flags.Zero(_machine.State).ShouldBeTrue();
        Flags.Carry(_machine.State).ShouldBeTrue();
        _machine.Run(a => a.vtestps(ymm1, ymm1)).ShouldBeNull();
        Flags.Zero(_machine.State).ShouldBeFalse();
        Ymm(0) = Vector256.Create(0x8000_0000_7FFF_FFFFUL).AsByte();
        Ymm(3) = Vector256<byte>.Zero;
        _machine.Run(a => a.blendvps(xmm3, xmm2)).ShouldBeNull();
        Ymm(3).AsUInt32().ShouldBe(Vector256.Create(0, 0x7FFF_FFFFU, 0, 0x7FFF_FFFF, 0, 0, 0, 0));
        Ymm(4) = Vector256<byte>.Zero.WithElement(0, (byte)0x80);
        _machine.Run(a => a.vpblendvb(ymm5, ymm1, ymm2, ymm4)).ShouldBeNull();
        Ymm(5).GetElement(0).ShouldBe((byte)0xFF);
    }

    private ref Vector256<byte> Ymm(int number) => ref *(Vector256<byte>*)CpuState.Vector(_machine.State, number);
}
