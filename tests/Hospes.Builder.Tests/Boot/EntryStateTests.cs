using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Boot;

/// <summary>The registers at entry, against the three protocols' own words.</summary>
public sealed class EntryStateTests
{
    /// <summary>Xen, docs/misc/pvh.pandoc, "x86/HVM direct boot ABI".</summary>
    [Fact]
    public void PvhIsFlatProtectedModeWithStartInfoInEbx()
    {
        (VcpuState cpu, BootState boot, GuestMemory _) = Enter(Samples.PvhElf());
        cpu.Rip.ShouldBe(0x100040u);
        cpu.General[VcpuState.Rbx].ShouldBe(boot.StartInfo);
        CheckFlat32(cpu);
    }

    /// <summary>Multiboot Specification 0.6.96, 3.2.</summary>
    [Fact]
    public void MultibootIsFlatProtectedModeWithItsMagicInEax()
    {
        (VcpuState cpu, BootState boot, GuestMemory _) = Enter(Samples.MultibootElf());
        cpu.Rip.ShouldBe(0x1000C0u);
        cpu.General[VcpuState.Rax].ShouldBe(0x2BADB002u);
        cpu.General[VcpuState.Rbx].ShouldBe(boot.StartInfo);
        CheckFlat32(cpu);
    }

    /// <summary>Linux, Documentation/arch/x86/boot.rst, "64-bit Boot Protocol".</summary>
    [Fact]
    public void LinuxIsLongModeWithBootParamsInRsi()
    {
        (VcpuState cpu, BootState boot, GuestMemory memory) = Enter(Samples.PlainElf());
        cpu.Rip.ShouldBe(0x100010u);
        cpu.General[VcpuState.Rsi].ShouldBe(boot.StartInfo);
        cpu.Cr0.ShouldBe(0x80000011u);
        cpu.Cr4.ShouldBe(0x20u);
        cpu.Efer.ShouldBe(0x500u);
        cpu.Rflags.ShouldBe(2u);
        cpu.Segments[1].Selector.ShouldBe((ushort)0x10);
        cpu.Segments[1].Attributes.ShouldBe(0xA09Bu);
        foreach (int data in new[] { 0, 2, 3 }) cpu.Segments[data].Selector.ShouldBe((ushort)0x18);
        CheckTable(cpu, memory, 0x00AF9B000000FFFF);

        // Every address below 4 GiB maps to itself.
        for (ulong address = 0x1234; address < 1UL << 32; address += 0x1FF123)
        {
            ulong top = memory.U64(cpu.Cr3 + (address >> 39) * 8);
            ulong gigabyte = memory.U64((top & ~4095UL) + ((address >> 30) & 511) * 8);
            ulong page = memory.U64((gigabyte & ~4095UL) + ((address >> 21) & 511) * 8);
            (top & gigabyte & 3).ShouldBe(3u);
            (page & 0x83).ShouldBe(0x83u);
            ((page & ~0x1FFFFFUL) + (address & 0x1FFFFF)).ShouldBe(address);
        }
    }

    [Fact]
    public void WhatNoProtocolSpeaksOfStays()
    {
        (VcpuState cpu, BootState boot, GuestMemory _) = Enter(Samples.PvhElf());
        var fresh = new VcpuState { Tsc = 77, Xcr0 = 7 };
        fresh.Msrs[0x1B] = 0xFEE00900;
        fresh.LocalApic[0xF0] = 0xFF;
        boot.ApplyTo(fresh);
        fresh.Tsc.ShouldBe(77u);
        fresh.Xcr0.ShouldBe(7u);
        fresh.Msrs[0x1B].ShouldBe(0xFEE00900u);
        fresh.LocalApic[0xF0].ShouldBe((byte)0xFF);
        fresh.Rip.ShouldBe(cpu.Rip);
    }

    private static void CheckFlat32(VcpuState cpu)
    {
        cpu.Cr0.ShouldBe(0x11u);
        cpu.Cr3.ShouldBe(0u);
        cpu.Cr4.ShouldBe(0u);
        cpu.Efer.ShouldBe(0u);
        (cpu.Rflags & ((1 << 17) | (1 << 9) | (1 << 8))).ShouldBe(0u);
        cpu.Segments[1].Attributes.ShouldBe(0xC09Bu);
        for (int i = 0; i < 6; i++)
        {
            cpu.Segments[i].Base.ShouldBe(0u);
            cpu.Segments[i].Limit.ShouldBe(uint.MaxValue);
            if (i != 1) cpu.Segments[i].Attributes.ShouldBe(0xC093u);
        }
        cpu.Tr.Base.ShouldBe(0u);
        cpu.Tr.Limit.ShouldBe(0x67u);
        cpu.Tr.Attributes.ShouldBe(0x8Bu);
        cpu.Ldtr.Attributes.ShouldBe(0x10082u);
        cpu.Activity.ShouldBe(VcpuActivity.Running);
    }

    private static void CheckTable(VcpuState cpu, GuestMemory memory, ulong code)
    {
        cpu.GdtLimit.ShouldBe((ushort)47);
        memory.U64(cpu.GdtBase).ShouldBe(0u);
        memory.U64(cpu.GdtBase + 0x10).ShouldBe(code);
        memory.U64(cpu.GdtBase + 0x18).ShouldBe(0x00CF93000000FFFFu);
        memory.U64(cpu.GdtBase + 0x20).ShouldBe(0x00008B0000000067u);
        memory.U64(cpu.GdtBase + 0x28).ShouldBe(0u);
    }

    private static (VcpuState Cpu, BootState Boot, GuestMemory Memory) Enter(byte[] kernel)
    {
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        DomainBuilder.TryBuild(context, out BootState? boot, out BuildFailure? failure).ShouldBeTrue(failure?.Message);
        // A processor that ran before: nothing of it may be left.
        var cpu = new VcpuState { Rflags = 0x20302, Cr0 = 0xE0000011, Cr4 = 0xFFFF, Cr3 = 0x5000, Efer = 0xD01, Cr2 = 9, Cr8 = 5, Activity = VcpuActivity.Shutdown, InterruptShadow = true, NmiPending = true, NmiBlocked = true, IdtLimit = 99 };
        Array.Fill(cpu.General, 0xDEADu);
        Array.Fill(cpu.Debug, 0xDEADu);
        boot!.ApplyTo(cpu);
        cpu.General.Count(g => g != 0).ShouldBe(boot.Protocol == BootProtocol.Multiboot ? 2 : 1);
        cpu.Debug.ShouldBe([0, 0, 0, 0, 0xFFFF0FF0, 0x400]);
        cpu.Cr2.ShouldBe(0u);
        cpu.Cr8.ShouldBe(0u);
        cpu.IdtLimit.ShouldBe((ushort)0);
        (cpu.InterruptShadow || cpu.NmiPending || cpu.NmiBlocked).ShouldBeFalse();
        if (boot.Protocol != BootProtocol.Linux64) CheckTable(cpu, guest.Memory, 0x00CF9B000000FFFF);
        return (cpu, boot, guest.Memory);
    }
}
