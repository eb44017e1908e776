using Hospes.Oracle.Native;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Oracle;

/// <summary>The native side by itself: what goes in comes out, and every way to end a case is reported.</summary>
public sealed class NativeRunnerTests : IDisposable
{
    private const ulong UserFlags = 0x202;
    private readonly NativeRunner _runner = new();

    public void Dispose() => _runner.Dispose();

    [Fact]
    public void Every_register_arrives_and_comes_back()
    {
        ref var slot = ref Prepare(0, a => a.nop());
        for (var r = Greg.R8; r <= Greg.Rsp; r++)
        {
            slot.Input[r] = 0x0101_0101_0101_0101UL * (ulong)(r + 1);
        }

        slot.Input[Greg.Rflags] = UserFlags | 0xCD5;
        for (var i = 0; i < 256; i++)
        {
            slot.Input.XsaveBytes[CpuImage.Xmm0 + i] = (byte)i;
            slot.Input.XsaveBytes[CpuImage.Ymm0High + i] = (byte)~i;
        }

        slot.Input.WindowBytes.Fill(0x5A);
        _runner.Run(1);

        for (var r = Greg.R8; r <= Greg.Rsp; r++)
        {
            slot.Output[r].ShouldBe(slot.Input[r], r.ToString());
        }

        (slot.Output[Greg.Rflags] & 0xFFFF).ShouldBe(UserFlags | 0xCD5);
        slot.Output[Greg.Rip].ShouldBe(SharedLayout.CodeBase + 2);
        slot.Output[Greg.Trap].ShouldBe(3UL);
        slot.Output.XsaveBytes[CpuImage.Xmm0..(CpuImage.Xmm0 + 256)].SequenceEqual(slot.Input.XsaveBytes[CpuImage.Xmm0..(CpuImage.Xmm0 + 256)]).ShouldBeTrue();
        slot.Output.XsaveBytes[CpuImage.Ymm0High..].SequenceEqual(slot.Input.XsaveBytes[CpuImage.Ymm0High..]).ShouldBeTrue();
        slot.Output.WindowBytes.SequenceEqual(slot.Input.WindowBytes).ShouldBeTrue();
    }

    [Fact]
    public void Faults_are_outcomes()
    {
        Prepare(0, a => a.ud2());
        Prepare(1, a => a.div(ecx)).Input[Greg.Rcx] = 0;
        Prepare(2, a => a.mov(__byte_ptr[rax], 1)).Input[Greg.Rax] = SharedLayout.ReadOnlyBase + 5;
        Prepare(3, a => a.mov(eax, __[rax])).Input[Greg.Rax] = 0x8000_0000_0000_0000;
        Prepare(4, a => a.syscall());
        Prepare(5, a => a.jmp(rax)).Input[Greg.Rax] = SharedLayout.WindowBase;
        _runner.Run(6);

        _runner.Slot(0).Output[Greg.Trap].ShouldBe(6UL);
        _runner.Slot(1).Output[Greg.Trap].ShouldBe(0UL);
        _runner.Slot(2).Output[Greg.Trap].ShouldBe(14UL);
        _runner.Slot(2).Output[Greg.Cr2].ShouldBe(SharedLayout.ReadOnlyBase + 5);
        _runner.Slot(2).Output[Greg.ErrorCode].ShouldBe(7UL);
        _runner.Slot(3).Output[Greg.Trap].ShouldBe(13UL);
        _runner.Slot(4).Output.Signal.ShouldBe(31UL);
        _runner.Slot(5).Output[Greg.Trap].ShouldBe(14UL);
        _runner.Slot(5).Output[Greg.ErrorCode].ShouldBe(0x15UL);
        _runner.Started.ShouldBe(1);
    }

    [Fact]
    public void A_store_lands_in_the_window_and_nowhere_else()
    {
        ref var slot = ref Prepare(0, a => a.mov(__[rdi + 4], eax));
        slot.Input[Greg.Rdi] = SharedLayout.WindowBase + 4090;
        slot.Input[Greg.Rax] = 0x0403_0201;
        _runner.Run(1);

        slot.Output.WindowBytes[4094..4098].ToArray().ShouldBe([1, 2, 3, 4]);
        slot.Output.WindowBytes[..4094].IndexOfAnyExcept((byte)0).ShouldBe(-1);
        slot.Output.WindowBytes[4098..].IndexOfAnyExcept((byte)0).ShouldBe(-1);
    }

    [Fact]
    public void A_case_that_kills_the_child_is_reported_and_the_batch_goes_on()
    {
        Prepare(0, a => a.nop());
        // With the stack pointer low in the alternate stack itself there is no room for a signal frame.
        Prepare(1, a => a.ud2()).Input[Greg.Rsp] = SharedLayout.AlternateStackBase + 512;
        Prepare(2, a => a.nop());
        _runner.Run(3);

        _runner.Slot(0).Output[Greg.Trap].ShouldBe(3UL);
        _runner.Slot(1).Output.Signal.ShouldBe(NativeRunner.Died);
        _runner.Slot(2).Output[Greg.Trap].ShouldBe(3UL);
        _runner.Started.ShouldBe(2);
    }

    private ref CaseSlot Prepare(int index, Action<Assembler> emit)
    {
        var assembler = new Assembler(64);
        emit(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), SharedLayout.CodeBase);
        ref var slot = ref _runner.Slot(index);
        slot = default;
        slot.CodeLength = (int)stream.Length;
        slot.InstructionCount = 1;
        for (var i = 0; i < slot.CodeLength; i++)
        {
            SetCode(ref slot, i, stream.GetBuffer()[i]);
        }

        slot.Input[Greg.Rip] = SharedLayout.CodeBase;
        slot.Input[Greg.Rflags] = UserFlags;
        slot.Input.XsaveBytes[CpuImage.Fcw] = 0x7F;
        slot.Input.XsaveBytes[CpuImage.Fcw + 1] = 0x03;
        slot.Input.XsaveBytes[CpuImage.Mxcsr] = 0x80;
        slot.Input.XsaveBytes[CpuImage.Mxcsr + 1] = 0x1F;
        return ref slot;
    }

    private static unsafe void SetCode(ref CaseSlot slot, int index, byte value) => slot.CodeBytes[index] = value;
}
