using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.X87;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.X87;

public sealed unsafe class SaveAreaTests : IDisposable
{
    private const int Area = 0x5000;
    private const int Header = Area + SaveLayout.Header;
    private const ulong AllThree = SaveLayout.X87Component | SaveLayout.SseComponent | SaveLayout.AvxComponent;

    private readonly X87Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Fxsave_and_fxrstor_carry_x87_and_sse()
    {
        _machine.Push(1, 2);
        FillVectors();
        _machine.State->Mxcsr = 0x1fa0;
        _machine.Run(a => a.fxsave64(__[Area])).ShouldBeNull();
        _machine.Read<ushort>(Area).ShouldBe(Fpu.InitialControlWord);
        _machine.Read<byte>(Area + SaveLayout.TagByte).ShouldBe((byte)0xc0);
        _machine.Read<ulong>(Area + SaveLayout.Stack).ShouldBe(Float80.IntegerBit);
        _machine.Read<ulong>(Area + SaveLayout.DataPointer).ShouldBe((ulong)X87Machine.Data);
        _machine.Read<uint>(Area + SaveLayout.MxcsrMask).ShouldBe(SaveLayout.MxcsrBits);

        ClearAll();
        _machine.Run(a => a.fxrstor64(__[Area])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(2);
        _machine.State->Mxcsr.ShouldBe(0x1fa0u);
        CheckVectors(low: true, high: false);
    }

    [Fact]
    public void Fxsave_needs_alignment_and_a_switched_on_unit()
    {
        _machine.Run(a => a.fxsave(__[Area + 8])).ShouldBe(Vector.GeneralProtection);
        _machine.State->Cr0 |= ControlRegisters.Cr0Ts;
        _machine.Run(a => a.fxsave(__[Area])).ShouldBe(Vector.DeviceNotAvailable);
    }

    [Fact]
    public void Bits_of_mxcsr_that_do_not_exist_are_refused()
    {
        _machine.Write(Area, 0x10000u);
        _machine.Run(a => a.ldmxcsr(__dword_ptr[Area])).ShouldBe(Vector.GeneralProtection);
        _machine.Write(Area, 0x3f80u);
        _machine.Run(a => a.ldmxcsr(__dword_ptr[Area])).ShouldBeNull();
        _machine.Run(a => a.stmxcsr(__dword_ptr[Area + 4])).ShouldBeNull();
        _machine.Read<uint>(Area + 4).ShouldBe(0x3f80u);
        _machine.Write(Area + SaveLayout.Mxcsr, 0xffffffffu);
        _machine.Run(a => a.fxrstor(__[Area])).ShouldBe(Vector.GeneralProtection);
        _machine.State->Mxcsr.ShouldBe(0x3f80u);
    }

    [Theory]
    [InlineData("xsave")]
    [InlineData("xsaveopt")]
    [InlineData("xsavec")]
    [InlineData("xsaves")]
    public void Every_way_of_saving_can_be_restored(string instruction)
    {
        _machine.Push(1, 2);
        FillVectors();
        _machine.State->Mxcsr = 0x1fa0;
        SetRequest(AllThree);
        Save(instruction).ShouldBeNull();
        _machine.Read<ulong>(Header).ShouldBe(AllThree);
        bool compacted = instruction is "xsavec" or "xsaves";
        _machine.Read<ulong>(Header + SaveLayout.CompactMap).ShouldBe(compacted ? AllThree | SaveLayout.CompactFormat : 0);

        ClearAll();
        if (instruction == "xsaves")
            _machine.Run(a => a.xrstors64(__[Area])).ShouldBeNull();
        else
            _machine.Run(a => a.xrstor64(__[Area])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(2);
        _machine.State->Mxcsr.ShouldBe(0x1fa0u);
        CheckVectors(low: true, high: true);
    }

    [Fact]
    public void Components_in_their_initial_state_are_left_out()
    {
        _machine.Memory.Slice(Area, SaveLayout.Extended + SaveLayout.AvxBytes).Fill(0xaa);
        _machine.Memory.Slice(Header, SaveLayout.HeaderBytes).Clear();
        SetRequest(AllThree);
        Save("xsaveopt").ShouldBeNull();
        _machine.Read<ulong>(Header).ShouldBe(0UL);
        _machine.Read<byte>(Area + SaveLayout.Vectors).ShouldBe((byte)0xaa);
        _machine.Read<uint>(Area + SaveLayout.Mxcsr).ShouldBe(FloatStatus.DefaultMxcsr);

        // XSAVE writes them all the same.
        Save("xsave").ShouldBeNull();
        _machine.Read<byte>(Area + SaveLayout.Vectors).ShouldBe((byte)0);
    }

    [Fact]
    public void Restoring_what_was_left_out_initializes_it()
    {
        SetRequest(AllThree);
        Save("xsavec").ShouldBeNull();
        _machine.Push(1);
        FillVectors();
        _machine.Run(a => a.xrstor(__[Area])).ShouldBeNull();
        _machine.State->Ftw.ShouldBe((byte)0);
        (*(Vector256<byte>*)CpuState.Vector(_machine.State, 3)).ShouldBe(default);
    }

    [Fact]
    public void Protection_keys_have_their_place_in_both_formats()
    {
        _machine.State->Xcr0 |= SaveLayout.ProtectionKeysComponent;
        _machine.State->Pkru = 0x55;
        SetRequest(SaveLayout.ProtectionKeysComponent);
        Save("xsave").ShouldBeNull();
        _machine.Read<uint>(Area + SaveLayout.ProtectionKeys).ShouldBe(0x55u);
        _machine.State->Pkru = 0;
        _machine.Run(a => a.xrstor64(__[Area])).ShouldBeNull();
        _machine.State->Pkru.ShouldBe(0x55u);

        Save("xsavec").ShouldBeNull();
        _machine.Read<uint>(Area + SaveLayout.Extended).ShouldBe(0x55u);
        _machine.State->Pkru = 0;
        _machine.Run(a => a.xrstor64(__[Area])).ShouldBeNull();
        _machine.State->Pkru.ShouldBe(0x55u);
    }

    [Theory]
    [InlineData(0, 1UL << 5)] // a component that is not enabled
    [InlineData(8, 1UL)] // the standard format needs an empty XCOMP_BV
    [InlineData(16, 1UL)] // reserved
    [InlineData(8, SaveLayout.CompactFormat | (1UL << 5))]
    public void Bad_headers_are_refused(int offset, ulong value)
    {
        SetRequest(AllThree);
        _machine.Write(Header + offset, value);
        _machine.Push(1);
        _machine.Run(a => a.xrstor64(__[Area])).ShouldBe(Vector.GeneralProtection);
        _machine.StAsDouble(0).ShouldBe(1);
    }

    [Fact]
    public void Supervisor_forms_need_the_compacted_format_and_privilege()
    {
        SetRequest(AllThree);
        _machine.Run(a => a.xrstors64(__[Area])).ShouldBe(Vector.GeneralProtection);
        Save("xsaves").ShouldBeNull();
        _machine.State->Cpl = 3;
        _machine.Run(a => a.xrstors64(__[Area])).ShouldBe(Vector.GeneralProtection);
        Save("xsaves").ShouldBe(Vector.GeneralProtection);
    }

    [Fact]
    public void Without_OSXSAVE_the_instructions_do_not_exist()
    {
        _machine.State->Cr4 &= ~ControlRegisters.Cr4Osxsave;
        Save("xsave").ShouldBe(Vector.InvalidOpcode);
        _machine.Run(a => a.xgetbv()).ShouldBe(Vector.InvalidOpcode);
        _machine.Run(a => a.xsetbv()).ShouldBe(Vector.InvalidOpcode);
    }

    [Fact]
    public void Extended_control_registers_are_read_and_written()
    {
        _machine.State->General[1] = 0;
        _machine.Run(a => a.xgetbv()).ShouldBeNull();
        _machine.State->General[0].ShouldBe(AllThree);
        _machine.State->General[1] = 1;
        _machine.Run(a => a.xgetbv()).ShouldBeNull();
        _machine.State->General[0].ShouldBe(0UL); // nothing is in use
        _machine.State->General[1] = 2;
        _machine.Run(a => a.xgetbv()).ShouldBe(Vector.GeneralProtection);

        _machine.State->General[1] = 0;
        SetRequest(SaveLayout.X87Component | SaveLayout.AvxComponent); // AVX needs SSE
        _machine.Run(a => a.xsetbv()).ShouldBe(Vector.GeneralProtection);
        SetRequest(SaveLayout.X87Component);
        _machine.Run(a => a.xsetbv()).ShouldBeNull();
        _machine.State->Xcr0.ShouldBe(SaveLayout.X87Component);
    }

    private Vector? Save(string instruction) => _machine.Run(a =>
    {
        switch (instruction)
        {
            case "xsave": a.xsave64(__[Area]); break;
            case "xsaveopt": a.xsaveopt64(__[Area]); break;
            case "xsavec": a.xsavec64(__[Area]); break;
            default: a.xsaves64(__[Area]); break;
        }
    });

    private void SetRequest(ulong components)
    {
        _machine.State->General[0] = (uint)components;
        _machine.State->General[2] = components >> 32;
    }

    private void FillVectors()
    {
        for (int i = 0; i < 16; i++)
            new Span<byte>(CpuState.Vector(_machine.State, i), 32).Fill((byte)(i + 1));
    }

    private void CheckVectors(bool low, bool high)
    {
        for (int i = 0; i < 16; i++)
        {
            CpuState.Vector(_machine.State, i)[15].ShouldBe((byte)(low ? i + 1 : 0));
            CpuState.Vector(_machine.State, i)[16].ShouldBe((byte)(high ? i + 1 : 0));
        }
    }

    private void ClearAll()
    {
        SaveArea.InitializeX87(_machine.State);
        SaveArea.InitializeVectors(_machine.State);
        SaveArea.InitializeAvx(_machine.State);
        _machine.State->Mxcsr = FloatStatus.DefaultMxcsr;
    }
}
