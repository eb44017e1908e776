using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>
/// The 16-byte compare and exchange, which .NET does not offer. On an x86-64 host a page of machine code does it with the processor's own
/// instruction, so it is atomic towards everything. Where such a page can't be had (another processor, or a host that forbids new code) the guest's
/// split lock is held instead: it is then atomic among the guest's own 16-byte exchanges, and a plain write by another vCPU that falls between
/// the comparison and the store is caught by exchanging each half against what was read, high half first, and starting again.
/// </summary>
internal static unsafe partial class CompareExchange16
{
    // System V: rdi = target (16-byte aligned), rsi = expected (in) and old value (out), rdx = desired.
    private static ReadOnlySpan<byte> MachineCode =>
    [
        0x53,                         // push rbx
        0x48, 0x8B, 0x1A,             // mov rbx, [rdx]
        0x48, 0x8B, 0x4A, 0x08,       // mov rcx, [rdx+8]
        0x48, 0x8B, 0x06,             // mov rax, [rsi]
        0x48, 0x8B, 0x56, 0x08,       // mov rdx, [rsi+8]
        0xF0, 0x48, 0x0F, 0xC7, 0x0F, // lock cmpxchg16b [rdi]
        0x48, 0x89, 0x06,             // mov [rsi], rax
        0x48, 0x89, 0x56, 0x08,       // mov [rsi+8], rdx
        0x5B,                         // pop rbx
        0xC3,                         // ret
    ];

    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<UInt128*, UInt128*, UInt128*, void> Native = Emit();

    /// <summary>Stores <paramref name="desired"/> if the aligned target holds <paramref name="expected"/>; answers what it held.</summary>
    public static UInt128 Run(CpuState* s, UInt128* at, UInt128 desired, UInt128 expected)
    {
        // SAFETY: the code touches only the three operands; the target is 16 aligned bytes of guest memory or of the scratch area.
        if (Native != null)
        {
            Native(at, &expected, &desired);
            return expected;
        }
        Memory.Mmu mmu = SoftVcpu.From(s).Mmu;
        mmu.EnterSplitLock();
        try
        {
            return InHalves((ulong*)at, desired, expected);
        }
        finally
        {
            mmu.LeaveSplitLock();
        }
    }

    /// <summary>The portable way, to be called under the split lock.</summary>
    internal static UInt128 InHalves(ulong* at, UInt128 desired, UInt128 expected)
    {
        while (true)
        {
            ulong high = Volatile.Read(ref at[1]), low = Volatile.Read(ref at[0]);
            UInt128 old = new(high, low);
            if (old != expected) return old;
            if (Interlocked.CompareExchange(ref at[1], (ulong)(desired >> 64), high) != high) continue;
            if (Interlocked.CompareExchange(ref at[0], (ulong)desired, low) == low) return old;
            Interlocked.CompareExchange(ref at[1], high, (ulong)(desired >> 64));
        }
    }

    private static delegate* unmanaged[Cdecl, SuppressGCTransition]<UInt128*, UInt128*, UInt128*, void> Emit()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || !OperatingSystem.IsLinux()) return null;
        // SAFETY: a private page of our own, written before it becomes executable and never afterwards; it lives as long as the process.
        nuint size = (nuint)Environment.SystemPageSize;
        void* page = Map(null, size, ProtectRead | ProtectWrite, MapPrivate | MapAnonymous, -1, 0);
        if (page == (void*)-1) return null;
        MachineCode.CopyTo(new Span<byte>(page, MachineCode.Length));
        if (Protect(page, size, ProtectRead | ProtectExecute) == 0)
        {
            return (delegate* unmanaged[Cdecl, SuppressGCTransition]<UInt128*, UInt128*, UInt128*, void>)page;
        }
        _ = Unmap(page, size);
        return null;
    }

    // mmap(2) on Linux.
    private const int ProtectRead = 1, ProtectWrite = 2, ProtectExecute = 4, MapPrivate = 2, MapAnonymous = 0x20;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
