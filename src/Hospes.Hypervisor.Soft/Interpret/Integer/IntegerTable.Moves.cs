using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>MOV and its kin, extensions, exchanges.</summary>
internal static unsafe partial class IntegerTable
{
    private static void FillMoves(HandlerTable t)
    {
        t.Add(Code.Mov_rm8_r8, &Moves<byte>.RegisterRegister, &Moves<byte>.MemoryRegister);
        t.Add(Code.Mov_r8_rm8, &Moves<byte>.RegisterRegister, &Moves<byte>.RegisterMemory);
        t.Add(Code.Mov_r8_imm8, &Moves<byte>.RegisterImmediate);
        t.Add(Code.Mov_rm8_imm8, &Moves<byte>.RegisterImmediate, &Moves<byte>.MemoryImmediate);
        t.Add(Code.Mov_AL_moffs8, &Moves<byte>.RegisterMemory);
        t.Add(Code.Mov_moffs8_AL, &Moves<byte>.MemoryRegister);
        t.Add(Code.Mov_rm16_r16, &Moves<ushort>.RegisterRegister, &Moves<ushort>.MemoryRegister);
        t.Add(Code.Mov_r16_rm16, &Moves<ushort>.RegisterRegister, &Moves<ushort>.RegisterMemory);
        t.Add(Code.Mov_r16_imm16, &Moves<ushort>.RegisterImmediate);
        t.Add(Code.Mov_rm16_imm16, &Moves<ushort>.RegisterImmediate, &Moves<ushort>.MemoryImmediate);
        t.Add(Code.Mov_AX_moffs16, &Moves<ushort>.RegisterMemory);
        t.Add(Code.Mov_moffs16_AX, &Moves<ushort>.MemoryRegister);
        t.Add(Code.Lea_r16_m, &Moves<ushort>.Lea);
        t.Add(Code.Movbe_r16_m16, &Moves<ushort>.MovbeLoad);
        t.Add(Code.Movbe_m16_r16, &Moves<ushort>.MovbeStore);
        t.Add(Code.Bswap_r16, &Moves<ushort>.Bswap);
        t.Add(Code.Mov_rm32_r32, &Moves<uint>.RegisterRegister, &Moves<uint>.MemoryRegister);
        t.Add(Code.Mov_r32_rm32, &Moves<uint>.RegisterRegister, &Moves<uint>.RegisterMemory);
        t.Add(Code.Mov_r32_imm32, &Moves<uint>.RegisterImmediate);
        t.Add(Code.Mov_rm32_imm32, &Moves<uint>.RegisterImmediate, &Moves<uint>.MemoryImmediate);
        t.Add(Code.Mov_EAX_moffs32, &Moves<uint>.RegisterMemory);
        t.Add(Code.Mov_moffs32_EAX, &Moves<uint>.MemoryRegister);
        t.Add(Code.Lea_r32_m, &Moves<uint>.Lea);
        t.Add(Code.Movbe_r32_m32, &Moves<uint>.MovbeLoad);
        t.Add(Code.Movbe_m32_r32, &Moves<uint>.MovbeStore);
        t.Add(Code.Bswap_r32, &Moves<uint>.Bswap);
        t.Add(Code.Mov_rm64_r64, &Moves<ulong>.RegisterRegister, &Moves<ulong>.MemoryRegister);
        t.Add(Code.Mov_r64_rm64, &Moves<ulong>.RegisterRegister, &Moves<ulong>.RegisterMemory);
        t.Add(Code.Mov_r64_imm64, &Moves<ulong>.RegisterImmediate);
        t.Add(Code.Mov_rm64_imm32, &Moves<ulong>.RegisterImmediate, &Moves<ulong>.MemoryImmediate);
        t.Add(Code.Mov_RAX_moffs64, &Moves<ulong>.RegisterMemory);
        t.Add(Code.Mov_moffs64_RAX, &Moves<ulong>.MemoryRegister);
        t.Add(Code.Lea_r64_m, &Moves<ulong>.Lea);
        t.Add(Code.Movbe_r64_m64, &Moves<ulong>.MovbeLoad);
        t.Add(Code.Movbe_m64_r64, &Moves<ulong>.MovbeStore);
        t.Add(Code.Bswap_r64, &Moves<ulong>.Bswap);
        t.Add(Code.Cbw, &Moves<ushort>.ExtendAccumulator);
        t.Add(Code.Cwde, &Moves<uint>.ExtendAccumulator);
        t.Add(Code.Cdqe, &Moves<ulong>.ExtendAccumulator);
        t.Add(Code.Cwd, &Moves<ushort>.SignToData);
        t.Add(Code.Cdq, &Moves<uint>.SignToData);
        t.Add(Code.Cqo, &Moves<ulong>.SignToData);
        t.Add(Code.Movzx_r16_rm8, &Extend<byte, ushort>.Register, &Extend<byte, ushort>.Memory);
        t.Add(Code.Movsx_r16_rm8, &Extend<sbyte, ushort>.Register, &Extend<sbyte, ushort>.Memory);
        t.Add(Code.Movzx_r32_rm8, &Extend<byte, uint>.Register, &Extend<byte, uint>.Memory);
        t.Add(Code.Movsx_r32_rm8, &Extend<sbyte, uint>.Register, &Extend<sbyte, uint>.Memory);
        t.Add(Code.Movzx_r64_rm8, &Extend<byte, ulong>.Register, &Extend<byte, ulong>.Memory);
        t.Add(Code.Movsx_r64_rm8, &Extend<sbyte, ulong>.Register, &Extend<sbyte, ulong>.Memory);
        t.Add(Code.Movzx_r16_rm16, &Extend<ushort, ushort>.Register, &Extend<ushort, ushort>.Memory);
        t.Add(Code.Movsx_r16_rm16, &Extend<short, ushort>.Register, &Extend<short, ushort>.Memory);
        t.Add(Code.Movzx_r32_rm16, &Extend<ushort, uint>.Register, &Extend<ushort, uint>.Memory);
        t.Add(Code.Movsx_r32_rm16, &Extend<short, uint>.Register, &Extend<short, uint>.Memory);
        t.Add(Code.Movzx_r64_rm16, &Extend<ushort, ulong>.Register, &Extend<ushort, ulong>.Memory);
        t.Add(Code.Movsx_r64_rm16, &Extend<short, ulong>.Register, &Extend<short, ulong>.Memory);
        t.Add(Code.Movsxd_r16_rm16, &Extend<short, ushort>.Register, &Extend<short, ushort>.Memory);
        t.Add(Code.Movsxd_r32_rm32, &Extend<int, uint>.Register, &Extend<int, uint>.Memory);
        t.Add(Code.Movsxd_r64_rm32, &Extend<int, ulong>.Register, &Extend<int, ulong>.Memory);
        t.Add(Code.Xlat_m8, &Miscellaneous.Xlat);
        t.Add(Code.Xchg_rm8_r8, &Exchange<byte>.XchgRegister, &Exchange<byte>.XchgMemory, &Exchange<byte>.XchgMemory);
        t.Add(Code.Xadd_rm8_r8, &Exchange<byte>.XaddRegister, &Exchange<byte>.XaddMemory, &Exchange<byte>.XaddLocked);
        t.Add(Code.Cmpxchg_rm8_r8, &Exchange<byte>.CmpxchgRegister, &Exchange<byte>.CmpxchgMemory, &Exchange<byte>.CmpxchgLocked);
        t.Add(Code.Xchg_rm16_r16, &Exchange<ushort>.XchgRegister, &Exchange<ushort>.XchgMemory, &Exchange<ushort>.XchgMemory);
        t.Add(Code.Xchg_r16_AX, &Exchange<ushort>.XchgRegister);
        t.Add(Code.Xadd_rm16_r16, &Exchange<ushort>.XaddRegister, &Exchange<ushort>.XaddMemory, &Exchange<ushort>.XaddLocked);
        t.Add(Code.Cmpxchg_rm16_r16, &Exchange<ushort>.CmpxchgRegister, &Exchange<ushort>.CmpxchgMemory, &Exchange<ushort>.CmpxchgLocked);
        t.Add(Code.Xchg_rm32_r32, &Exchange<uint>.XchgRegister, &Exchange<uint>.XchgMemory, &Exchange<uint>.XchgMemory);
        t.Add(Code.Xchg_r32_EAX, &Exchange<uint>.XchgRegister);
        t.Add(Code.Xadd_rm32_r32, &Exchange<uint>.XaddRegister, &Exchange<uint>.XaddMemory, &Exchange<uint>.XaddLocked);
        t.Add(Code.Cmpxchg_rm32_r32, &Exchange<uint>.CmpxchgRegister, &Exchange<uint>.CmpxchgMemory, &Exchange<uint>.CmpxchgLocked);
        t.Add(Code.Xchg_rm64_r64, &Exchange<ulong>.XchgRegister, &Exchange<ulong>.XchgMemory, &Exchange<ulong>.XchgMemory);
        t.Add(Code.Xchg_r64_RAX, &Exchange<ulong>.XchgRegister);
        t.Add(Code.Xadd_rm64_r64, &Exchange<ulong>.XaddRegister, &Exchange<ulong>.XaddMemory, &Exchange<ulong>.XaddLocked);
        t.Add(Code.Cmpxchg_rm64_r64, &Exchange<ulong>.CmpxchgRegister, &Exchange<ulong>.CmpxchgMemory, &Exchange<ulong>.CmpxchgLocked);
        t.Add(Code.Cmpxchg8b_m64, &ExchangeWide.Cmpxchg8, &ExchangeWide.Cmpxchg8, &ExchangeWide.Cmpxchg8);
        t.Add(Code.Cmpxchg16b_m128, &ExchangeWide.Cmpxchg16, &ExchangeWide.Cmpxchg16, &ExchangeWide.Cmpxchg16);
    }
}
