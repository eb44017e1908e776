using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Interpret.Simd;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

public sealed class CryptographyTests
{
    private static readonly byte[] RoundConstants = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36];

    // FIPS 197, appendix B.
    private static readonly Lane Key = FromHex("2B7E151628AED2A6ABF7158809CF4F3C");
    private static readonly Lane Plain = FromHex("3243F6A8885A308D313198A2E0370734");
    private static readonly Lane Cipher = FromHex("3925841D02DC09FBDC118597196A0B32");

    [Fact]
    public void Aes_instructions_encrypt_the_example_of_the_standard()
    {
        Lane[] keys = Expand(Key);
        Lane state = Plain ^ keys[0];
        for (int i = 1; i < 10; i++) state = AesEncrypt.Apply(state, keys[i], 0);
        AesEncryptLast.Apply(state, keys[10], 0).ShouldBe(Cipher);
    }

    [Fact]
    public void Aes_instructions_decrypt_the_example_of_the_standard()
    {
        Lane[] keys = Expand(Key);
        Lane state = Cipher ^ keys[10];
        for (int i = 9; i > 0; i--) state = AesDecrypt.Apply(state, AesInverseMix.Apply(default, keys[i], 0), 0);
        AesDecryptLast.Apply(state, keys[0], 0).ShouldBe(Plain);
    }

    [Fact]
    public void Aes_without_the_hosts_instructions_encrypts_and_decrypts_the_example()
    {
        Lane[] keys = Expand(Key);
        Lane state = Plain ^ keys[0];
        for (int i = 1; i < 10; i++) state = AesRounds.Encrypt(state, last: false) ^ keys[i];
        (AesRounds.Encrypt(state, last: true) ^ keys[10]).ShouldBe(Cipher);
        state = Cipher ^ keys[10];
        for (int i = 9; i > 0; i--) state = AesRounds.Decrypt(state, last: false) ^ AesRounds.InverseMixColumns(keys[i]);
        (AesRounds.Decrypt(state, last: true) ^ keys[0]).ShouldBe(Plain);
    }

    [Fact]
    public void Carryless_products_have_no_carries_and_choose_quadwords_by_bits_0_and_4()
    {
        Lane a = Vector128.Create(3UL, 0x8000_0000_0000_0000).AsByte();
        Lane b = Vector128.Create(5UL, 3UL).AsByte();
        CarrylessMultiply.Apply(a, b, 0x00).AsUInt64().ShouldBe(Vector128.Create(15UL, 0));
        CarrylessMultiply.Apply(a, b, 0x10).AsUInt64().ShouldBe(Vector128.Create(5UL, 0));
        CarrylessMultiply.Apply(a, b, 0x11).AsUInt64().ShouldBe(Vector128.Create(0x8000_0000_0000_0000UL, 1));
        CarrylessMultiply.Multiply(0x8000_0000_0000_0000, 3).AsUInt64().ShouldBe(Vector128.Create(0x8000_0000_0000_0000UL, 1));
        CarrylessMultiply.Multiply(3, 3).AsUInt64().ShouldBe(Vector128.Create(5UL, 0));
    }

    [Fact]
    public void Sha1_instructions_hash_one_block()
    {
        // FIPS 180-4 example: "abc".
        Lane[] words = Block("abc");
        for (int i = 0; i < words.Length; i++) words[i] = Vector128.Shuffle(words[i].AsUInt32(), Vector128.Create(3U, 2, 1, 0)).AsByte();
        Lane abcd = Vector128.Create(0x10325476U, 0x98BADCFE, 0xEFCDAB89, 0x67452301).AsByte();
        Lane initial = abcd;
        Lane e = Vector128.Create(0U, 0, 0, 0xC3D2E1F0).AsByte();
        Lane initialE = e;
        var schedule = new List<Lane>(words);
        while (schedule.Count < 20)
        {
            int n = schedule.Count;
            Lane next = Sha1Message1.Apply(schedule[n - 4], schedule[n - 3], 0) ^ schedule[n - 2];
            schedule.Add(Sha1Message2.Apply(next, schedule[n - 1], 0));
        }
        Lane previous = default;
        for (int i = 0; i < 20; i++)
        {
            Lane input = i == 0 ? (schedule[0].AsUInt32() + e.AsUInt32()).AsByte() : Sha1NextE.Apply(previous, schedule[i], 0);
            previous = abcd;
            abcd = Sha1Rounds.Apply(abcd, input, (byte)(i / 5));
        }
        Lane lastE = Sha1NextE.Apply(previous, initialE, 0);
        (abcd.AsUInt32() + initial.AsUInt32()).ShouldBe(Vector128.Create(0x7850C26CU, 0xBA3E2571, 0x4706816A, 0xA9993E36));
        lastE.AsUInt32().GetElement(3).ShouldBe(0x9CD0D89D);
    }

    [Fact]
    public void Sha256_instructions_hash_one_block()
    {
        uint[] constants = Sha256Constants();
        var schedule = new List<Lane>(Block("abc"));
        while (schedule.Count < 16)
        {
            int n = schedule.Count;
            Lane partial = Sha256Message1.Apply(schedule[n - 4], schedule[n - 3], 0);
            Lane middle = Hospes.Hypervisor.Soft.Interpret.Simd.AlignRight.Apply(schedule[n - 1], schedule[n - 2], 4);
            schedule.Add(Sha256Message2.Apply((partial.AsUInt32() + middle.AsUInt32()).AsByte(), schedule[n - 1], 0));
        }
        Lane abef = Vector128.Create(0x9B05688CU, 0x510E527F, 0xBB67AE85, 0x6A09E667).AsByte();
        Lane cdgh = Vector128.Create(0x5BE0CD19U, 0x1F83D9AB, 0xA54FF53A, 0x3C6EF372).AsByte();
        Lane first = abef;
        for (int i = 0; i < 32; i++)
        {
            uint w0 = schedule[i / 2].AsUInt32().GetElement(2 * (i & 1)) + constants[2 * i];
            uint w1 = schedule[i / 2].AsUInt32().GetElement(2 * (i & 1) + 1) + constants[2 * i + 1];
            Lane next = Sha256Rounds.Rounds(cdgh, abef, Vector128.Create(w0, w1, 0, 0).AsByte());
            (cdgh, abef) = (abef, next);
        }
        Vector128<uint> hash = abef.AsUInt32() + first.AsUInt32();
        hash.GetElement(3).ShouldBe(0xBA7816BFU);
        hash.GetElement(2).ShouldBe(0x8F01CFEAU);
    }

    /// <summary>The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).</summary>
    private static uint[] Sha256Constants()
    {
        var primes = Enumerable.Range(2, 400).Where(n => Enumerable.Range(2, n - 2).All(d => n % d != 0)).Take(64);
        return [.. primes.Select(p => (uint)CubeRoot((UInt128)p << 96))];
    }

    private static UInt128 CubeRoot(UInt128 value)
    {
        System.Numerics.BigInteger low = 0, high = System.Numerics.BigInteger.One << 43;
        while (high - low > 1)
        {
            System.Numerics.BigInteger middle = (low + high) / 2;
            if (middle * middle * middle <= (System.Numerics.BigInteger)value) low = middle;
            else high = middle;
        }
        return (UInt128)low;
    }

    private static Lane[] Block(string text)
    {
        byte[] block = new byte[64];
        for (int i = 0; i < text.Length; i++) block[i] = (byte)text[i];
        block[text.Length] = 0x80;
        block[63] = (byte)(8 * text.Length);
        var lanes = new Lane[4];
        for (int i = 0; i < 16; i++)
        {
            uint word = BinaryPrimitives.ReadUInt32BigEndian(block.AsSpan(4 * i));
            lanes[i / 4] = lanes[i / 4].AsUInt32().WithElement(i & 3, word).AsByte();
        }
        return lanes;
    }

    private static Lane[] Expand(Lane key)
    {
        var keys = new Lane[11];
        keys[0] = key;
        for (int i = 1; i < 11; i++)
        {
            uint assist = AesKeyAssist.Apply(default, keys[i - 1], RoundConstants[i - 1]).AsUInt32().GetElement(3);
            Vector128<uint> previous = keys[i - 1].AsUInt32();
            uint w0 = previous.GetElement(0) ^ assist;
            uint w1 = previous.GetElement(1) ^ w0;
            uint w2 = previous.GetElement(2) ^ w1;
            keys[i] = Vector128.Create(w0, w1, w2, previous.GetElement(3) ^ w2).AsByte();
        }
        return keys;
    }

    private static Lane FromHex(string hex) => Vector128.Create(Convert.FromHexString(hex));
}
