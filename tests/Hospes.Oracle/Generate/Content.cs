using System.Buffers.Binary;
using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>What stands in memory where an instruction will read it.</summary>
internal static class Content
{
    private const int XsaveHeader = 512;

    /// <summary>The element kind that suits an encoding, judged by its memory operand.</summary>
    public static Flavour FlavourOf(Code code) => code.ToOpCode().MemorySize.GetElementType() switch
    {
        MemorySize.Float16 => Flavour.Half,
        MemorySize.Float32 => Flavour.Single,
        MemorySize.Float64 => Flavour.Double,
        MemorySize.UInt8 or MemorySize.Int8 => Flavour.Bytes,
        MemorySize.UInt16 or MemorySize.Int16 => Flavour.Words,
        MemorySize.UInt32 or MemorySize.Int32 => Flavour.Doublewords,
        _ => Flavour.Quadwords,
    };

    public static void Poke(ref Randomness random, ref CpuImage state, in Instruction instruction, ulong target, int size, Flavour flavour)
    {
        Span<byte> buffer = stackalloc byte[1024];
        var bytes = buffer[..Math.Min(size, buffer.Length)];
        switch (instruction.MemorySize)
        {
            case MemorySize.Float80:
                Values.Extended(ref random, bytes);
                break;
            case MemorySize.Bcd:
                Values.Decimal(ref random, bytes);
                break;
            case MemorySize.FpuEnv14 or MemorySize.FpuEnv28 or MemorySize.FpuState94 or MemorySize.FpuState108:
                X87Image(ref random, bytes, instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuState94);
                break;
            case MemorySize.Fxsave_512Byte or MemorySize.Fxsave64_512Byte or MemorySize.Xsave or MemorySize.Xsave64:
                SaveImage(ref random, bytes);
                break;
            default:
                switch (instruction.Mnemonic)
                {
                    case Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr when random.Chance(85):
                        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)random.Next() & 0xFFFF);
                        break;
                    case Mnemonic.Fldcw when random.Chance(95):
                        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)((random.Next() & 0x0C3F) | (random.Chance(50) ? 0x0340UL : 0x0240)));
                        break;
                    case Mnemonic.Jmp or Mnemonic.Call when random.Chance(85):
                        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Addresses.Code(ref random));
                        break;
                    case Mnemonic.Cmpxchg when random.Chance(40):
                        BinaryPrimitives.WriteUInt64LittleEndian(buffer, state[Greg.Rax]);
                        break;
                    case Mnemonic.Cmpxchg8b when random.Chance(50):
                        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)state[Greg.Rax]);
                        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], (uint)state[Greg.Rdx]);
                        break;
                    case Mnemonic.Cmpxchg16b when random.Chance(50):
                        BinaryPrimitives.WriteUInt64LittleEndian(bytes, state[Greg.Rax]);
                        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], state[Greg.Rdx]);
                        break;
                    default:
                        Values.Fill(ref random, flavour, bytes);
                        break;
                }

                break;
        }

        StateBuilder.Poke(ref state, target, bytes);
    }

    /// <summary>The image that FLDENV and FRSTOR read (SDM volume 1, 8.1.10).</summary>
    private static void X87Image(ref Randomness random, Span<byte> bytes, bool is16)
    {
        Values.Fill(ref random, Flavour.Random, bytes);
        var word = is16 ? 2 : 4;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)((random.Next() & 0x0C3F) | (random.Chance(50) ? 0x0340UL : 0x0240) | (random.Chance(60) ? 0x3FUL : 0)));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[word..], (ushort)(random.Next() & (random.Chance(60) ? 0x7F00UL : 0xFFFF)));
        var registers = 7 * word;
        for (var at = registers; at + 10 <= bytes.Length; at += 10)
        {
            Values.Extended(ref random, bytes[at..]);
        }
    }

    /// <summary>The image that FXRSTOR and XRSTOR read (SDM volume 1, 10.5.1 and 13.4), with a header that is legal most of the time.</summary>
    private static void SaveImage(ref Randomness random, Span<byte> bytes)
    {
        Values.Fill(ref random, (Flavour)random.Below((int)Flavour.Random + 1), bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)((random.Next() & 0x0C3F) | (random.Chance(50) ? 0x0340UL : 0x0240) | (random.Chance(60) ? 0x3FUL : 0)));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[CpuImage.Fsw..], (ushort)(random.Next() & 0x7F00));
        bytes[CpuImage.Ftw + 1] = 0;
        for (var i = 0; i < 8; i++)
        {
            var register = bytes.Slice(CpuImage.St0 + (16 * i), 16);
            Values.Extended(ref random, register);
            register[10..].Clear();
        }

        // Bit 17 is AMD's misaligned exception mask, which other processors, and the model, refuse.
        const uint misalignedMask = 1 << 17;
        var mxcsr = (uint)random.Next() & 0xFFFF;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CpuImage.Mxcsr..], random.Chance(97) ? mxcsr : mxcsr | ((uint)random.Next() & ~misalignedMask));
        if (bytes.Length > XsaveHeader)
        {
            bytes[XsaveHeader..(XsaveHeader + 64)].Clear();
            bytes[XsaveHeader] = (byte)(random.Next() & 7);
            if (random.Chance(6))
            {
                // Not in XSTATE_BV, where the host may have components that the model lacks.
                bytes[XsaveHeader + 8 + random.Below(56)] |= (byte)(1 << random.Below(8));
            }
        }
    }
}
