using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Conformance;

/// <summary>SYSCALL, SYSRET, STAC and CLAC in a loop, translated and in lockstep, against the interpreter: with the registers that decide what they do set as systems set them, and otherwise.</summary>
public sealed class SystemCallTests
{
    private const uint Star = 0xC0000081, Lstar = 0xC0000082, Fmask = 0xC0000084, Efer = 0xC0000080;
    private const ulong Kernel = 0x3000, User = 0x2000, Shared = 0x5000;
    private const uint AllFlags = 0x257FD5, Cr4Smap = 1 << 21;

    /// <summary>The selectors that SYSCALL and SYSRET take.</summary>
    private const uint Selectors = 0x00230010;

    [Theory]
    [InlineData(AllFlags, Cr4Smap, 0x3202u, 400)]
    [InlineData(AllFlags, Cr4Smap, 0x3002u, 400)]
    [InlineData(AllFlags, 0u, 0x3202u, 400)]
    [InlineData(0u, Cr4Smap, 0x3002u, 400)]
    [InlineData(0x700u, Cr4Smap, 0x3202u, 400)]
    [InlineData(AllFlags, Cr4Smap, 0x43202u, 400)]
    public void TheyDoTheSameHoweverTheyAreExecuted(uint mask, uint smap, uint userFlags, int rounds)
    {
        VcpuState expected = Run("off", mask, smap, userFlags, rounds);
        expected.General[VcpuState.Rbx].ShouldBe(0UL);
        foreach (string translate in new[] { "always", "lockstep" })
        {
            VcpuState found = Run(translate, mask, smap, userFlags, rounds);
            found.General.ToArray().ShouldBe(expected.General.ToArray(), translate);
            found.Rflags.ShouldBe(expected.Rflags, translate);
            for (int i = 0; i < 6; i++) found.Segments[i].ShouldBe(expected.Segments[i], translate);
        }
    }

    private static VcpuState Run(string translate, uint mask, uint smap, uint userFlags, int rounds)
    {
        using var machine = new Machine(new ConfiguredEngine(new SoftEngine(), "translate", translate), memory: 8 << 20);
        machine.Load(Bytes(Start(mask, smap, userFlags, rounds), Machine.CodeAt));
        machine.Load(Bytes(UserLoop(), User), User);
        machine.Load(Bytes(KernelEntry(), Kernel), Kernel);
        machine.StartLong();
        machine.Next().Kind.ShouldBe(PacketKind.Io);
        return machine.State();
    }

    private static Assembler Start(uint mask, uint smap, uint userFlags, int rounds)
    {
        var a = new Assembler(64);
        Write(a, Star, (ulong)Selectors << 32);
        Write(a, Lstar, Kernel);
        Write(a, Fmask, mask);
        Write(a, Efer, 0xD01);
        a.mov(rax, cr4);
        a.or(eax, smap);
        a.mov(cr4, rax);
        foreach (AssemblerRegister64 register in new[] { rax, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15 }) a.xor(register, register);
        a.mov(ebx, rounds);
        a.mov(ecx, (uint)User);
        a.mov(r11d, userFlags);
        a.sysretq();
        return a;
    }

    /// <summary>Each round makes other flags, calls, and looks at the flags that came back.</summary>
    private static Assembler UserLoop()
    {
        var a = new Assembler(64);
        Label again = a.CreateLabel();
        a.Label(ref again);
        a.mov(edx, ebx);
        a.shl(edx, 23);
        a.cmp(edx, 0x40000000);
        a.syscall();
        a.adc(r15, 0);
        a.setl(dl);
        a.movzx(edx, dl);
        a.add(r15, rdx);
        a.seto(dl);
        a.add(r10, rdx);
        a.add(r9, __[Shared]);
        a.dec(ebx);
        a.jne(again);
        a.@out(0x80, eax);
        return a;
    }

    private static Assembler KernelEntry()
    {
        var a = new Assembler(64);
        a.add(r12, r11);
        a.rol(r12, 3);
        a.add(r13, rcx);
        a.mov(eax, cs);
        a.add(r14, rax);
        a.mov(eax, ss);
        a.add(r14, rax);
        a.stac();
        a.inc(__qword_ptr[Shared]);
        a.clac();
        a.mov(eax, 7);
        a.sysretq();
        return a;
    }

    private static void Write(Assembler a, uint register, ulong value)
    {
        a.mov(ecx, register);
        a.mov(eax, (uint)value);
        a.mov(edx, (uint)(value >> 32));
        a.wrmsr();
    }

    private static byte[] Bytes(Assembler a, ulong at)
    {
        var stream = new MemoryStream();
        a.Assemble(new StreamCodeWriter(stream), at);
        return stream.ToArray();
    }
}
