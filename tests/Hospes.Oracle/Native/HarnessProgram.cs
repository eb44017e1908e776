using System.Buffers.Binary;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Oracle.Native;

/// <summary>
/// Writes the child: a static executable of a few hundred bytes that runs cases and knows nothing else.
/// It lives in its signal handler. Every case ends in a fault or in the INT3 that surrounds it; the kernel saves the
/// whole state in the signal frame, the handler copies it out, puts the next case's state in its place and returns,
/// and the kernel loads it. So every register can have any value and the child needs none of them.
/// </summary>
internal static class HarnessProgram
{
    // Linux x86-64 system call numbers (asm/unistd_64.h).
    private const int SysRead = 0, SysWrite = 1, SysMmap = 9, SysMprotect = 10, SysRtSigaction = 13, SysRtSigreturn = 15,
        SysSigaltstack = 131, SysPrctl = 157, SysExitGroup = 231;

    // asm-generic/mman-common.h, asm/signal.h, linux/prctl.h, linux/seccomp.h.
    private const int ProtRead = 1, ProtWrite = 2, ProtExec = 4, MapShared = 1, MapPrivate = 2, MapFixed = 0x10, MapAnonymous = 0x20, MapPopulate = 0x8000;
    private const uint SaSiginfo = 4, SaRestorer = 0x0400_0000, SaOnstack = 0x0800_0000;
    private const int PrSetPdeathsig = 1, PrSetNoNewPrivs = 38, PrSetSeccomp = 22, SeccompModeFilter = 2, SigKill = 9;

    private static readonly int[] Signals = [4 /* ILL */, 5 /* TRAP */, 7 /* BUS */, 8 /* FPE */, 11 /* SEGV */, 31 /* SYS */];

    // Offsets in struct ucontext (asm/ucontext.h, asm/sigcontext.h).
    private const int UcGregs = 40, UcFpstate = 224;
    private const int InputGregs = (int)Greg.Rflags + 1;

    private const ulong CleanFlags = 0x202;

    /// <summary>Makes the executable file.</summary>
    /// <param name="sharedDescriptor">The descriptor, inherited by the child, of the shared region.</param>
    /// <param name="sharedSize">The region's size in bytes.</param>
    /// <param name="hasFsGsBase">Whether user mode may execute WRFSBASE and its kin here.</param>
    public static byte[] Build(int sharedDescriptor, int sharedSize, bool hasFsGsBase)
    {
        const int headers = 64 + 56;
        var code = Assemble(SharedLayout.HarnessBase + headers, sharedDescriptor, sharedSize, hasFsGsBase);
        var file = new byte[headers + code.Length];
        var span = file.AsSpan();

        // System V ABI, ELF header (gabi chapter 4): 64-bit, little endian, ET_EXEC, EM_X86_64.
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0];
        identity.CopyTo(span);
        BinaryPrimitives.WriteUInt16LittleEndian(span[16..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(span[18..], 62);
        BinaryPrimitives.WriteUInt32LittleEndian(span[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], SharedLayout.HarnessBase + headers);
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(span[52..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(span[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(span[56..], 1);

        // One PT_LOAD, readable and executable.
        BinaryPrimitives.WriteUInt32LittleEndian(span[64..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(span[68..], 5);
        BinaryPrimitives.WriteUInt64LittleEndian(span[80..], SharedLayout.HarnessBase);
        BinaryPrimitives.WriteUInt64LittleEndian(span[88..], SharedLayout.HarnessBase);
        BinaryPrimitives.WriteUInt64LittleEndian(span[96..], (ulong)file.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(span[104..], (ulong)file.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(span[112..], SharedLayout.PageSize);
        code.CopyTo(span[headers..]);
        return file;
    }

    private static byte[] Assemble(ulong origin, int descriptor, int sharedSize, bool hasFsGsBase)
    {
        var a = new Assembler(64);
        var handler = a.CreateLabel();
        var restorer = a.CreateLabel();
        var filter = a.CreateLabel();
        EmitStart(a, descriptor, sharedSize, handler, restorer, filter);
        EmitHandler(a, handler, hasFsGsBase);

        a.Label(ref restorer);
        a.mov(eax, SysRtSigreturn);
        a.syscall();

        a.Label(ref filter);
        a.db(SystemCallFilter.Build());

        using var stream = new MemoryStream();
        a.Assemble(new StreamCodeWriter(stream), origin);
        return stream.ToArray();
    }

    private static void EmitStart(Assembler a, int descriptor, int sharedSize, Label handler, Label restorer, Label filter)
    {
        var failed = a.CreateLabel();

        void Call(int number)
        {
            a.mov(eax, number);
            a.syscall();
            a.test(rax, rax);
            a.js(failed);
        }

        void Map(ulong address, int size, int protection, int flags, int fd, int offset)
        {
            a.mov(rdi, address);
            a.mov(esi, size);
            a.mov(edx, protection);
            a.mov(r10d, flags | MapFixed | MapPopulate);
            a.mov(r8, (long)fd);
            a.mov(r9d, offset);
            Call(SysMmap);
        }

        a.mov(edi, PrSetPdeathsig);
        a.mov(esi, SigKill);
        Call(SysPrctl);

        Map(SharedLayout.SharedBase, sharedSize, ProtRead | ProtWrite, MapShared, descriptor, 0);
        Map(SharedLayout.CodeBase, SharedLayout.CodeSize, ProtRead | ProtExec, MapShared, descriptor, SharedLayout.CodeOffset);
        Map(SharedLayout.ReadOnlyBase, SharedLayout.ReadOnlySize, ProtRead, MapShared, descriptor, SharedLayout.ReadOnlyOffset);
        Map(SharedLayout.WindowBase, SharedLayout.WindowSize, ProtRead | ProtWrite, MapPrivate | MapAnonymous, -1, 0);
        Map(SharedLayout.AlternateStackBase, SharedLayout.AlternateStackSize, ProtRead | ProtWrite, MapPrivate | MapAnonymous, -1, 0);

        // stack_t { sp, flags, size } and then struct kernel_sigaction { handler, flags, restorer, mask }, built on the stack.
        a.sub(rsp, 64);
        a.mov(rax, SharedLayout.AlternateStackBase);
        a.mov(__[rsp], rax);
        a.mov(__qword_ptr[rsp + 8], 0);
        a.mov(__qword_ptr[rsp + 16], SharedLayout.AlternateStackSize);
        a.mov(rdi, rsp);
        a.xor(esi, esi);
        Call(SysSigaltstack);

        a.lea(rax, __[handler]);
        a.mov(__[rsp], rax);
        a.mov(eax, SaSiginfo | SaOnstack | SaRestorer);
        a.mov(__[rsp + 8], rax);
        a.lea(rax, __[restorer]);
        a.mov(__[rsp + 16], rax);
        a.mov(__qword_ptr[rsp + 24], 0);
        foreach (var signal in Signals)
        {
            a.mov(edi, signal);
            a.mov(rsi, rsp);
            a.xor(edx, edx);
            a.mov(r10d, 8);
            Call(SysRtSigaction);
        }

        a.mov(edi, PrSetNoNewPrivs);
        a.mov(esi, 1);
        a.xor(edx, edx);
        a.xor(r10d, r10d);
        a.xor(r8d, r8d);
        Call(SysPrctl);
        // struct sock_fprog { len, filter }.
        a.mov(__qword_ptr[rsp], SystemCallFilter.InstructionCount);
        a.lea(rax, __[filter]);
        a.mov(__[rsp + 8], rax);
        a.mov(edi, PrSetSeccomp);
        a.mov(esi, SeccompModeFilter);
        a.mov(rdx, rsp);
        Call(SysPrctl);

        a.mov(rax, SharedLayout.SharedBase + SharedLayout.ControlOffset);
        a.mov(__qword_ptr[rax + SharedLayout.ControlRunning], 0);
        a.int3();

        a.Label(ref failed);
        a.mov(edi, eax);
        a.neg(edi);
        a.mov(eax, SysExitGroup);
        a.syscall();
        a.ud2();
    }

    private static void EmitHandler(Assembler a, Label handler, bool hasFsGsBase)
    {
        var load = a.CreateLabel();
        var wait = a.CreateLabel();
        var next = a.CreateLabel();
        var done = a.CreateLabel();

        // Entered with the signal in EDI and the ucontext in RDX. AC, NT and ID of the case are still in RFLAGS.
        a.Label(ref handler);
        a.push((int)CleanFlags);
        a.popfq();
        a.mov(r12, rdx);
        a.mov(r15, SharedLayout.SharedBase + SharedLayout.ControlOffset);
        a.cmp(__qword_ptr[r15 + SharedLayout.ControlRunning], 0);
        a.je(wait);

        // Save the state after the case.
        EmitSlotAddress(a);
        a.lea(rbx, __[r14 + CaseSlot.OutputOffset]);
        a.mov(eax, edi);
        a.mov(__[rbx], rax);
        a.lea(rsi, __[r12 + UcGregs]);
        a.lea(rdi, __[rbx + CpuImage.GregsOffset]);
        a.mov(ecx, (int)Greg.Count);
        a.rep.movsq();
        if (hasFsGsBase)
        {
            a.rdfsbase(rax);
            a.mov(__[rbx + CpuImage.FsBaseOffset], rax);
            a.rdgsbase(rax);
            a.mov(__[rbx + CpuImage.GsBaseOffset], rax);
        }

        a.mov(rsi, __[r12 + UcFpstate]);
        a.lea(rdi, __[rbx + CpuImage.XsaveOffset]);
        a.mov(ecx, CpuImage.XsaveSize / 8);
        a.rep.movsq();
        a.mov(rsi, SharedLayout.WindowBase);
        a.lea(rdi, __[rbx + CpuImage.WindowOffset]);
        a.mov(ecx, SharedLayout.WindowSize / 8);
        a.rep.movsq();

        // Take the code away again.
        EmitCodeAddress(a);
        a.mov(eax, SharedLayout.Filler);
        a.rep.stosb();

        a.inc(__qword_ptr[r15 + SharedLayout.ControlIndex]);
        a.Label(ref next);
        a.mov(rax, __[r15 + SharedLayout.ControlIndex]);
        a.cmp(rax, __[r15 + SharedLayout.ControlCount]);
        a.jb(load);

        // The batch is done: say so, and wait for the next.
        a.mov(eax, SysWrite);
        a.mov(edi, 1);
        a.mov(rsi, r15);
        a.mov(edx, 1);
        a.syscall();
        a.Label(ref wait);
        a.push(0);
        a.xor(eax, eax);
        a.xor(edi, edi);
        a.mov(rsi, rsp);
        a.mov(edx, 1);
        a.syscall();
        a.pop(rcx);
        a.cmp(rax, 1);
        a.jne(done);
        a.mov(__qword_ptr[r15 + SharedLayout.ControlRunning], 1);
        a.jmp(next);

        // Put the next case's state into the frame.
        a.Label(ref load);
        EmitSlotAddress(a);
        a.lea(rsi, __[r14 + CaseSlot.CodeBytesOffset]);
        EmitCodeAddress(a);
        a.rep.movsb();
        a.lea(rbx, __[r14 + CaseSlot.InputOffset]);
        a.lea(rsi, __[rbx + CpuImage.GregsOffset]);
        a.lea(rdi, __[r12 + UcGregs]);
        a.mov(ecx, InputGregs);
        a.rep.movsq();
        a.lea(rsi, __[rbx + CpuImage.XsaveOffset]);
        a.mov(rdi, __[r12 + UcFpstate]);
        a.mov(ecx, CpuImage.SoftwareReserved / 8);
        a.rep.movsq();
        // The kernel's own words in the frame stay; the components of the case become present.
        a.mov(rdi, __[r12 + UcFpstate]);
        a.or(__qword_ptr[rdi + CpuImage.XstateBv], 7);
        a.add(rdi, CpuImage.Ymm0High);
        a.lea(rsi, __[rbx + CpuImage.XsaveOffset + CpuImage.Ymm0High]);
        a.mov(ecx, (CpuImage.XsaveSize - CpuImage.Ymm0High) / 8);
        a.rep.movsq();
        a.mov(rdi, SharedLayout.WindowBase);
        a.lea(rsi, __[rbx + CpuImage.WindowOffset]);
        a.mov(ecx, SharedLayout.WindowSize / 8);
        a.rep.movsq();
        if (hasFsGsBase)
        {
            a.mov(rax, __[rbx + CpuImage.FsBaseOffset]);
            a.wrfsbase(rax);
            a.mov(rax, __[rbx + CpuImage.GsBaseOffset]);
            a.wrgsbase(rax);
        }

        a.ret();

        a.Label(ref done);
        a.xor(edi, edi);
        a.mov(eax, SysExitGroup);
        a.syscall();
        a.ud2();
    }

    /// <summary>R14 becomes the address of the slot whose index is in the control page.</summary>
    private static void EmitSlotAddress(Assembler a)
    {
        a.imul(r14, __qword_ptr[r15 + SharedLayout.ControlIndex], CaseSlot.Size);
        a.lea(r14, __[r15 + r14 + (SharedLayout.SlotsOffset - SharedLayout.ControlOffset)]);
    }

    /// <summary>RDI becomes the writable address of the case's code and RCX its length.</summary>
    private static void EmitCodeAddress(Assembler a)
    {
        a.mov(edi, __dword_ptr[r14]);
        a.lea(rdi, __[r15 + rdi - SharedLayout.ControlOffset]);
        a.mov(ecx, __dword_ptr[r14 + 4]);
    }
}
