using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Converting and comparing.</summary>
public sealed class OperationTests
{
    [Theory]
    [InlineData(ImageFormat.Raw, ImageFormat.Qcow2)]
    [InlineData(ImageFormat.Qcow2, ImageFormat.Raw)]
    [InlineData(ImageFormat.Qcow2, ImageFormat.Qcow2)]
    public void ACopyHoldsTheSameAndTakesNoSpaceForZeros(ImageFormat from, ImageFormat to)
    {
        using var scratch = new Scratch();
        scratch.Create("from", new ImageCreation { Format = from, Size = (64 << 20) + 512 });
        using (IBlockImage image = scratch.Open("from", format: from))
        {
            image.Put(5_000_000, Bytes.Random(1, 1_000_000));
            image.Put(64 << 20, Bytes.Random(2, 512));
            // Zeros that were written are found too.
            image.Put(20 << 20, new byte[4 << 20]);
        }

        var steps = new Steps();
        using (IBlockImage image = scratch.Open("from", readOnly: true, format: from))
            ImageConverter.TryConvert(image, scratch.At("to"), new ImageCreation { Format = to }, compress: false, steps, default, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
        steps.Last.ShouldBe(1);
        scratch.QemuImg("compare", "-f", from.Name(), "-F", to.Name(), "from", "to");
        ImageInspector.TryRead(scratch.At("to"), to, false, out ImageInfo? info, out _).ShouldBeTrue();
        info!.SpaceUsed.ShouldBeLessThan(2_000_000);
        using IBlockImage one = scratch.Open("from", readOnly: true, format: from), other = scratch.Open("to", readOnly: true, format: to);
        ImageComparer.Compare(one, other, strict: true, null, default, out ImageComparison comparison).ShouldBe(StorageError.None);
        comparison.Same.ShouldBeTrue();
    }

    [Fact]
    public void ACopyThatIsCancelledOrFailsLeavesNoFile()
    {
        using var scratch = new Scratch();
        scratch.Create("from", new ImageCreation { Size = 1 << 20 });
        using IBlockImage image = scratch.Open("from", readOnly: true);
        ImageConverter.TryConvert(image, scratch.At("to"), new ImageCreation(), false, null, new CancellationToken(canceled: true), out StorageFailure? failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.Cancelled);
        File.Exists(scratch.At("to")).ShouldBeFalse();
        ImageConverter.TryConvert(image, scratch.At("to"), new ImageCreation { Format = ImageFormat.Raw }, compress: true, null, default, out failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.BadSetting);
        ImageConverter.TryConvert(image, scratch.At("from"), new ImageCreation(), false, null, default, out failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.Exists);
    }

    [Fact]
    public void TheFirstDifferenceIsFound()
    {
        using var scratch = new Scratch();
        foreach (string name in (string[])["a", "b"]) scratch.Create(name, new ImageCreation { Size = 8 << 20, ClusterSize = name == "a" ? 512 : 65536 });
        using IBlockImage a = scratch.Open("a"), b = scratch.Open("b");
        foreach (IBlockImage image in (IBlockImage[])[a, b]) image.Put(1_000_000, Bytes.Random(1, 3_000_000));
        Compare(strict: true).ShouldBe(new ImageComparison(true, false, null));
        b.Put(3_999_999, [(byte)(Bytes.Random(1, 3_000_000)[^1] ^ 1)]);
        Compare(strict: true).ShouldBe(new ImageComparison(false, false, 3_999_999));
        b.Put(3_999_999, [Bytes.Random(1, 3_000_000)[^1]]);
        b.Resize(9 << 20).ShouldBe(StorageError.None);
        Compare(strict: true).ShouldBe(new ImageComparison(false, true, null));
        Compare(strict: false).ShouldBe(new ImageComparison(true, true, null));
        b.Put((9 << 20) - 1, [1]);
        Compare(strict: false).ShouldBe(new ImageComparison(false, true, (9 << 20) - 1));
        ImageComparer.Compare(a, b, false, null, new CancellationToken(canceled: true), out _).ShouldBe(StorageError.Cancelled);

        ImageComparison Compare(bool strict)
        {
            ImageComparer.Compare(a, b, strict, null, default, out ImageComparison comparison).ShouldBe(StorageError.None);
            return comparison;
        }
    }

    /// <summary>Progress as it comes, in order.</summary>
    private sealed class Steps : IProgress<double>
    {
        public double Last { get; private set; }

        public void Report(double value)
        {
            value.ShouldBeInRange(Last, 1);
            Last = value;
        }
    }
}
