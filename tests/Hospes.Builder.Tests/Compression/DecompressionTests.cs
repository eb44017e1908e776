using Hospes.Builder.Compression;
using Hospes.Builder.Native;
using Hospes.Builder.Tests.Kit;

namespace Hospes.Builder.Tests.Compression;

public sealed class DecompressionTests
{
    public static TheoryData<CompressionFormat> Formats => [.. Packing.Formats];

    /// <summary>Text that packs, noise that does not, and sizes around the buffers' and blocks' ends.</summary>
    private static IEnumerable<byte[]> Contents()
    {
        var random = new Random(7);
        foreach (int size in new[] { 1, 100, 65535, 65536, 65537, 8 << 20, (8 << 20) + 5 })
        {
            byte[] noise = new byte[size];
            random.NextBytes(noise.AsSpan(0, Math.Min(size, 70000)));
            yield return noise;
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void WhatWasPackedUnpacksToTheSame(CompressionFormat format)
    {
        foreach (byte[] content in Contents())
        {
            byte[] packed = Packing.Pack(content, format);
            Decompression.Detect(packed).ShouldBe(format);
            foreach (int hint in content.Length > 1 << 20 ? [content.Length] : new[] { 0, content.Length, 3, int.MaxValue })
            {
                Decompression.TryUnpack(packed, format, 16 << 20, out ReadOnlyMemory<byte> output, out _, hint).ShouldBe(DecompressionError.None);
                output.Span.SequenceEqual(content).ShouldBeTrue();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AResultOfExactlyTheLimitIsGivenAndOneByteMoreIsNot(CompressionFormat format)
    {
        byte[] content = Samples.Code(5000);
        byte[] packed = Packing.Pack(content, format);
        Decompression.TryUnpack(packed, format, 5000, out ReadOnlyMemory<byte> output, out _).ShouldBe(DecompressionError.None);
        output.Length.ShouldBe(5000);
        Decompression.TryUnpack(packed, format, 4999, out output, out string detail).ShouldBe(DecompressionError.TooLarge);
        output.IsEmpty.ShouldBeTrue();
        detail.ShouldContain("4999");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void ABombEndsAtTheLimit(CompressionFormat format)
    {
        byte[] packed = Packing.Pack(new byte[64 << 20], format);
        Decompression.TryUnpack(packed, format, 1 << 20, out _, out _, 64 << 20).ShouldBe(DecompressionError.TooLarge);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void EveryTruncationIsRefusedOrGivesLess(CompressionFormat format)
    {
        byte[] content = Samples.Code(700);
        byte[] packed = Packing.Pack(content, format);
        // What ends a stream behind its last block (checks, an index) may be missing unnoticed in formats without an end mark.
        for (int length = 0; length < packed.Length; length++)
        {
            DecompressionError error = Decompression.TryUnpack(packed.AsMemory(0, length), format, 1 << 20, out ReadOnlyMemory<byte> output, out _);
            if (error == DecompressionError.None) output.Length.ShouldBeLessThanOrEqualTo(content.Length, $"{length} of {packed.Length} bytes");
            else error.ShouldBeOneOf(DecompressionError.Truncated, DecompressionError.Corrupt);
        }
        if (format is CompressionFormat.Zstd or CompressionFormat.Xz or CompressionFormat.Lzma or CompressionFormat.Lz4Legacy)
            Decompression.TryUnpack(packed.AsMemory(0, packed.Length - 5), format, 1 << 20, out _, out _).ShouldBe(DecompressionError.Truncated);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void DamageIsAnAnswerAndNotACrash(CompressionFormat format)
    {
        byte[] packed = Packing.Pack(Samples.Code(3000), format);
        var random = new Random(11);
        for (int i = 0; i < 2000; i++)
        {
            byte[] damaged = (byte[])packed.Clone();
            for (int flips = random.Next(1, 5); flips > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            DecompressionError error = Decompression.TryUnpack(damaged, format, 1 << 20, out ReadOnlyMemory<byte> output, out _);
            error.ShouldBeOneOf(DecompressionError.None, DecompressionError.Corrupt, DecompressionError.Truncated, DecompressionError.TooLarge);
            output.Length.ShouldBeLessThanOrEqualTo(1 << 20);
        }
    }

    [Theory]
    [InlineData(CompressionFormat.Zstd)]
    [InlineData(CompressionFormat.Xz)]
    [InlineData(CompressionFormat.Gzip)]
    public void StreamsInARowAreOne(CompressionFormat format)
    {
        byte[] packed = [.. Packing.Pack([1, 2, 3], format), .. Packing.Pack([4, 5], format)];
        Decompression.TryUnpack(packed, format, 100, out ReadOnlyMemory<byte> output, out _).ShouldBe(DecompressionError.None);
        output.ToArray().ShouldBe([1, 2, 3, 4, 5]);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void WhatFollowsTheStreamIsIgnored(CompressionFormat format)
    {
        // lz4's legacy frame has no end: only the size of the result, which Linux' build appends, may follow.
        byte[] tail = format == CompressionFormat.Lz4Legacy ? [44, 1, 0, 0] : [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
        byte[] packed = [.. Packing.Pack(Samples.Code(300), format), .. tail];
        Decompression.TryUnpack(packed, format, 1000, out ReadOnlyMemory<byte> output, out _).ShouldBe(DecompressionError.None);
        output.Length.ShouldBe(300);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AStreamUnpacksInSmallReads(CompressionFormat format)
    {
        byte[] content = Samples.Code(20000);
        using Stream stream = Decompression.Open(new Trickle(Packing.Pack(content, format)), format, 20000);
        var read = new MemoryStream();
        byte[] buffer = new byte[7];
        for (int n; (n = stream.Read(buffer, 0, 7)) > 0;) read.Write(buffer, 0, n);
        read.ToArray().ShouldBe(content);
        stream.CanRead.ShouldBeTrue();
        stream.CanWrite.ShouldBeFalse();
        stream.CanSeek.ShouldBeFalse();
        stream.Read([]).ShouldBe(0);
        Should.Throw<NotSupportedException>(() => stream.Length);
        Should.Throw<NotSupportedException>(() => stream.Position);
        Should.Throw<NotSupportedException>(() => stream.Position = 1);
        Should.Throw<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Should.Throw<NotSupportedException>(() => stream.SetLength(0));
        Should.Throw<NotSupportedException>(() => stream.Write([1], 0, 1));
        stream.Flush();
    }

    [Fact]
    public void LzoIsRefusedByName()
    {
        byte[] lzo = [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0];
        Decompression.Detect(lzo).ShouldBe(CompressionFormat.Lzo);
        Decompression.TryUnpack(lzo, CompressionFormat.Lzo, 100, out _, out string detail).ShouldBe(DecompressionError.NotSupported);
        detail.ShouldContain("LZO");
    }

    [Fact]
    public void NoSignatureIsNoFormat()
    {
        Decompression.Detect(default).ShouldBe(CompressionFormat.None);
        Decompression.Detect("BZh9 is no bzip2 stream"u8).ShouldBe(CompressionFormat.None);
        Decompression.Detect("]plain text"u8).ShouldBe(CompressionFormat.None);
        Decompression.TryUnpack(new byte[10], CompressionFormat.None, 100, out _, out _).ShouldBe(DecompressionError.UnknownFormat);
    }

    [Fact]
    public void AMissingLibraryIsNamedWithItsPackage()
    {
        DecompressionException e = Should.Throw<DecompressionException>(() => SharedLibrary.Require("libhospes-none.so.9", "libnone9"));
        e.Error.ShouldBe(DecompressionError.LibraryMissing);
        e.Message.ShouldBe("libhospes-none.so.9 is missing: install the Debian package libnone9");
    }

    [Fact]
    public void ARunOfLz4MagicsEnds()
    {
        byte[] magics = new byte[4 << 20];
        for (int i = 0; i < magics.Length; i += 4) ((ReadOnlySpan<byte>)[0x02, 0x21, 0x4C, 0x18]).CopyTo(magics.AsSpan(i));
        Decompression.TryUnpack(magics, CompressionFormat.Lz4Legacy, 100, out ReadOnlyMemory<byte> output, out _).ShouldBe(DecompressionError.None);
        output.IsEmpty.ShouldBeTrue();
    }

    /// <summary>Gives one byte at a time.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer.IsEmpty ? buffer : buffer[..1]);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1));
    }
}
