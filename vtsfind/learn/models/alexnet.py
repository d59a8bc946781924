"""AlexNet as a backbone: what the VTS paper's weakest baseline reads its bits from."""

from torch import Tensor, nn


class AlexNet(nn.Module):
    """torchvision's AlexNet up to its second hidden layer, with the methods and attributes of a timm model.

    Convolutions give (b, 256, 6, 6); then dropout, a layer from 9216 to 4096, ReLU, and the same again from 4096 to
    4096. Tensors have torchvision's names, so that its weights fit.
    """

    num_features = 4096

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import alexnet

        whole = alexnet(weights=None)
        self.features = whole.features
        self.avgpool = whole.avgpool
        self.classifier = whole.classifier[:-1]
        self.pretrained_cfg = {"classifier": "classifier.6"}

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last convolution's output: (b, 256, h, w) for images (b, 3, size, size), at least 63 pixels a side."""
        features: Tensor = self.features(images)
        return features

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """Return the second hidden layer's output, (b, 4096); there is no classifier behind it."""
        del pre_logits
        hidden: Tensor = self.classifier(self.avgpool(features).flatten(1))
        return hidden

    def forward(self, images: Tensor) -> Tensor:
        """Return (b, 4096) for images (b, 3, size, size)."""
        return self.forward_head(self.forward_features(images))
